"""One refresh, served as in production."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bench import rows, stack
from bench.report import Figure, say
from bench.servers import SERVERS, Load, Server, count_statements, serving

ACCOUNTS = 1_000
NO_OP, REFRESH, PLAIN = "/api/bench/no-op", "/api/unipile/refresh", "/api/bench/plain"
CHANGED = f"{REFRESH} changed"
LATENCIES = (0.0, 0.05)

Loads = dict[str, list[Load]]
Results = dict[str, dict[str, float]]


def measure(
    database_url: str, *, rounds: int, seconds: float
) -> tuple[list[Figure], dict[str, Any]]:
    ours = next(iter(SERVERS))
    loads: dict[str, Loads] = {name: defaultdict(list) for name in SERVERS}
    with stack.upstream(ACCOUNTS, https=True) as upstream:
        rows.fill(database_url, ACCOUNTS)
        rows.age(database_url, changed_one_in=0)
        environment = stack.environment(database_url, upstream)
        accounts = stack.run("bench.tokens", environment=environment)
        for number in range(rounds):
            for name, command in SERVERS.items():
                say(f"One refresh, round {number + 1} of {rounds}: {name}")
                with serving(command, environment, upstream, accounts) as server:
                    server.warm_up(REFRESH)
                    if name == ours:
                        _measure_all(server, loads[name], seconds)
                        statements = count_statements(server, database_url, REFRESH)
                    else:
                        _measure_refresh(server, loads[name], seconds)
    results = {
        name: {key: _median(values) for key, values in each.items()} for name, each in loads.items()
    }
    measured = {"servers": results, "statements": statements}
    return list(_figures(results[ours], statements)), measured


def _measure_all(server: Server, loads: Loads, seconds: float) -> None:
    for path in (NO_OP, PLAIN):
        server.measure(path, latency=0, seconds=1)
    for _ in range(2):
        _measure_refresh(server, loads, seconds)
        for latency in LATENCIES:
            _measure(server, loads, PLAIN, latency, seconds)
            # It is the same whatever Unipile does.
            loads[NO_OP].append(server.measure(NO_OP, latency=0, seconds=seconds))
        server.upstream.set(flapping=1)
        loads[CHANGED].append(server.measure(REFRESH, latency=0, seconds=seconds))
        server.upstream.set(flapping=0)


def _measure_refresh(server: Server, loads: Loads, seconds: float) -> None:
    for latency in LATENCIES:
        _measure(server, loads, REFRESH, latency, seconds)


def _measure(server: Server, loads: Loads, path: str, latency: float, seconds: float) -> None:
    loads[_key(path, latency)].append(server.measure(path, latency=latency, seconds=seconds))


def _key(path: str, latency: float) -> str:
    return f"{path} {latency * 1000:.0f} ms"


def _median(loads: list[Load]) -> dict[str, float]:
    values = [asdict(load) for load in loads]
    return {name: statistics.median(value[name] for value in values) for name in values[0]}


def _figures(ours: Results, statements: dict[str, float]) -> Iterator[Figure]:
    cpu = "cpu_milliseconds"
    no_op = ours[NO_OP]
    for latency in ("0 ms", "50 ms"):
        refresh, plain = (ours[f"{path} {latency}"] for path in (REFRESH, PLAIN))
        yield Figure(
            f"CPU of a refresh / of a no-op POST, Unipile at {latency}",
            refresh[cpu] / no_op[cpu],
            at_most=2.0,
        )
        yield Figure(
            f"CPU of a refresh / of the plain view, {latency}",
            refresh[cpu] / plain[cpu],
            at_most=1.0,
        )
        yield Figure(
            f"Requests a second / the plain view's, {latency}",
            refresh["per_second"] / plain["per_second"],
            at_least=1.0,
        )
        if latency == "50 ms":
            for percentile in ("p50", "p99"):
                yield Figure(
                    f"{percentile} / the plain view's, {latency}, 32 clients",
                    refresh[percentile] / plain[percentile],
                    at_most=1.0,
                )
        yield Figure(
            f"New connections to Unipile in steady state, {latency}",
            refresh["new_connections"],
            at_most=0,
        )
    yield Figure(
        "CPU of a refresh that changes the row / of a no-op POST",
        ours[CHANGED][cpu] / no_op[cpu],
        at_most=2.0,
    )
    ends = {"BEGIN", "COMMIT", "empty"}
    yield Figure(
        "SQL statements besides BEGIN and COMMIT",
        sum(count for kind, count in statements.items() if kind not in ends),
        at_most=4,
    )
