"""All accounts of a workspace."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bench import rows, stack
from bench.report import Figure, say

LATENCY = 0.02
ONE_BY_ONE = ("i-unipile-sdk", "unipile-python-community")
ONE_BY_ONE_ACCOUNTS = 200
# How often each size is measured.
SIZES = {1_000: 9, 10_000: 5, 100_000: 2}
# Accounts that have changed: one in so many.
CHANGED = {"5 %": 20, "100 %": 1}

Runs = dict[str, list[dict[str, float]]]


def measure(
    database_url: str, sizes: dict[int, int], *, until: float
) -> tuple[list[Figure], dict[str, Any]]:
    """Measure each size once at least, and again while it is not yet `until`."""
    results: dict[int, Runs] = {}
    with stack.upstream(max(sizes)) as upstream:
        environment = stack.environment(database_url, upstream)
        for size, rounds in sizes.items():
            upstream.set(latency=LATENCY, size=size)
            rows.fill(database_url, size)
            runs = results[size] = defaultdict(list)
            for number in range(rounds):
                if number and time.monotonic() > until:
                    break
                say(f"All accounts: {size:,}, round {number + 1} of {rounds}")
                runs["floor"].append(
                    stack.run("bench.passes", "floor", str(size), environment=environment)
                )
                for changed, one_in in CHANGED.items():
                    rows.age(database_url, changed_one_in=one_in)
                    runs[changed].append(
                        stack.run("bench.passes", "service", str(size), environment=environment)
                    )
        one_by_one: Runs = defaultdict(list)
        for _ in range(2):
            for client in ONE_BY_ONE:
                say(f"One request and one save for each account: {client}")
                arguments = ("bench.passes", client, str(ONE_BY_ONE_ACCOUNTS))
                one_by_one[client].append(stack.run(*arguments, environment=environment))
    medians = {str(size): _medians(runs) for size, runs in results.items()}
    return list(_figures(medians, _medians(one_by_one))), {
        "sizes": medians,
        "one_by_one": _medians(one_by_one),
    }


def _medians(runs: Runs) -> dict[str, dict[str, float]]:
    return {
        name: {key: statistics.median(run[key] for run in values) for key in values[0]}
        for name, values in runs.items()
    }


def _figures(
    sizes: dict[str, dict[str, dict[str, float]]], one_by_one: dict[str, dict[str, float]]
) -> Iterator[Figure]:
    for size, runs in sizes.items():
        for changed, at_most in (("5 %", 1.5), ("100 %", 3.0)):
            yield Figure(
                f"{int(size):,} accounts, {changed} changed: time / only downloading",
                runs[changed]["seconds"] / runs["floor"]["seconds"],
                at_most=at_most,
            )
    largest, smallest = max(sizes, key=int), min(sizes, key=int)
    for client, run in one_by_one.items():
        each = run["seconds"] / ONE_BY_ONE_ACCOUNTS
        for changed in CHANGED:
            yield Figure(
                f"Time one by one ({client}) / ours, {int(largest):,} accounts, {changed} changed",
                each * int(largest) / sizes[largest][changed]["seconds"],
                at_least=50,
            )
    yield Figure(
        f"Peak memory for {int(largest):,} accounts / for {int(smallest):,}",
        sizes[largest]["100 %"]["mebibytes"] / sizes[smallest]["100 %"]["mebibytes"],
        at_most=1.2,
    )
