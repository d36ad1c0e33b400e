"""All accounts of a workspace."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import NamedTuple

from bench import rows, stack
from bench.report import Report, say, table
from script.postgres import Server

ONE_BY_ONE = ("i-unipile-sdk", "unipile-python-community")
ONE_BY_ONE_ACCOUNTS = 200
# Accounts that have changed: one in so many.
CHANGED = {"5 %": 20, "100 %": 1}

Run = dict[str, float]


class Workload(NamedTuple):
    accounts: int
    # Milliseconds that Unipile takes for a page.
    latency: int
    rounds: int


SMALL = [Workload(1_000, 20, 1), Workload(2_000, 20, 1), Workload(1_000, 200, 1)]
WORKLOADS = [
    Workload(1_000, 20, 5),
    Workload(10_000, 20, 3),
    Workload(100_000, 20, 1),
    Workload(10_000, 200, 1),
]
# At most, by milliseconds a page: how often the time of only downloading.
TIME = {20: {"5 %": 3.0, "100 %": 4.0}, 200: {"5 %": 1.1, "100 %": 1.2}}
CPU = {"5 %": 10.0, "100 %": 10.0}


def measure(database: Server, report: Report, *, quick: bool) -> None:
    workloads = SMALL if quick else WORKLOADS
    with stack.upstream(max(workload.accounts for workload in workloads)) as upstream:
        runs = {workload: _measure_passes(database, upstream, workload) for workload in workloads}
        upstream.set(latency=0.02)
        environment = stack.environment(database, upstream)
        one_by_one = {client: _measure_one_by_one(client, environment) for client in ONE_BY_ONE}
    for workload, passes in runs.items():
        _report_passes(report, workload, passes)
    _report_extremes(report, runs, one_by_one)
    report.sections["growth"] = _growth(runs, one_by_one)


def measure_one(database: Server, accounts: int) -> str:
    """Say what one pass over so many accounts takes, 5 % of which have changed."""
    with stack.upstream(accounts) as upstream:
        upstream.set(latency=0.02, size=accounts)
        rows.fill(database, accounts)
        rows.age(database, changed_one_in=CHANGED["5 %"])
        before = upstream.set()["requests"]
        environment = stack.environment(database, upstream)
        run = stack.run("bench.passes", "service", str(accounts), environment=environment)
        requests = upstream.set()["requests"] - before
    return (
        f"{accounts:,} accounts, 20 ms a page, 5 % changed: {run['seconds']:.1f} s,"
        f" {requests:,} requests, {run['mebibytes']:.0f} MiB"
    )


def _measure_passes(
    database: Server, upstream: stack.Upstream, workload: Workload
) -> dict[str, Run]:
    upstream.set(latency=workload.latency / 1000, size=workload.accounts)
    environment = stack.environment(database, upstream)
    rows.fill(database, workload.accounts)
    runs: dict[str, list[Run]] = defaultdict(list)

    def run(name: str, program: str) -> None:
        arguments = ("bench.passes", program, str(workload.accounts))
        runs[name].append(stack.run(*arguments, environment=environment))

    for number in range(workload.rounds):
        say(
            f"All {workload.accounts:,} accounts, {workload.latency} ms a page,"
            f" round {number + 1} of {workload.rounds}"
        )
        run("floor", "floor")
        for changed, one_in in CHANGED.items():
            rows.age(database, changed_one_in=one_in)
            run(changed, "service")
    return {name: _median(each) for name, each in runs.items()}


def _measure_one_by_one(client: str, environment: dict[str, str]) -> float:
    """Return the seconds for one account."""
    say(f"One request and one save for each account: {client}")
    arguments = ("bench.passes", client, str(ONE_BY_ONE_ACCOUNTS))
    runs = [stack.run(*arguments, environment=environment) for _ in range(2)]
    return _median(runs)["seconds"] / ONE_BY_ONE_ACCOUNTS


def _median(runs: list[Run]) -> Run:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


# --- The report -----------------------------------------------------------------------------------


def _report_passes(report: Report, workload: Workload, passes: dict[str, Run]) -> None:
    floor = passes["floor"]
    for changed in CHANGED:
        subject = f"{workload.accounts:,} accounts, {workload.latency} ms a page, {changed} changed"
        report.add_ratio(
            f"{subject}: time / only downloading",
            passes[changed]["seconds"],
            floor["seconds"],
            "s",
            at_most=TIME[workload.latency][changed],
        )
        report.add_ratio(
            f"{subject}: CPU / only downloading",
            passes[changed]["cpu_seconds"],
            floor["cpu_seconds"],
            "s",
            at_most=CPU[changed],
        )


def _report_extremes(
    report: Report, runs: dict[Workload, dict[str, Run]], one_by_one: dict[str, float]
) -> None:
    largest, smallest = max(runs), min(runs)
    for client, each in one_by_one.items():
        for changed in CHANGED:
            report.add_ratio(
                f"One by one ({client}) / ours, {largest.accounts:,} accounts, {changed} changed",
                each * largest.accounts,
                runs[largest][changed]["seconds"],
                "s",
                at_least=50,
            )
    report.add_ratio(
        f"Peak memory for {largest.accounts:,} accounts / for {smallest.accounts:,}",
        runs[largest]["100 %"]["mebibytes"],
        runs[smallest]["100 %"]["mebibytes"],
        "MiB",
        at_most=1.2,
    )


def _growth(runs: dict[Workload, dict[str, Run]], one_by_one: dict[str, float]) -> str:
    heads = ["Accounts", "ms a page", "Only downloading", *(f"{name} changed" for name in CHANGED)]
    return table(
        [*heads, *(f"One by one ({client})" for client in one_by_one)],
        (
            [
                f"{workload.accounts:,}",
                f"{workload.latency}",
                *(f"{run['seconds']:.2f} s" for run in passes.values()),
                *(f"{each * workload.accounts:,.0f} s" for each in one_by_one.values()),
            ]
            for workload, passes in runs.items()
        ),
    )
