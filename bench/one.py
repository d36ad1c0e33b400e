"""One refresh, served as in production."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import asdict

from bench import rows, stack
from bench.report import Report, say, table
from bench.servers import SERVERS, Load, Server, count_statements, serving
from script.postgres import Server as Database

ACCOUNTS = 1_000
NO_OP, REFRESH, PLAIN = "/api/bench/no-op", "/api/unipile/refresh", "/api/bench/plain"
CHANGED = f"{REFRESH} changed"
LIST, NO_OP_GET = "/api/unipile/accounts", "/api/bench/no-op-get"
LATENCIES = (0.0, 0.05)

Loads = dict[str, list[Load]]
Results = dict[str, dict[str, float]]


def measure(database: Database, report: Report, *, quick: bool) -> None:
    rounds, seconds = (1, 1.0) if quick else (3, 1.5)
    ours = next(iter(SERVERS))
    loads: dict[str, Loads] = {name: defaultdict(list) for name in SERVERS}
    with stack.upstream(ACCOUNTS, https=True) as upstream:
        rows.fill(database, ACCOUNTS)
        rows.age(database, changed_one_in=0)
        environment = stack.environment(database, upstream)
        accounts = stack.run("bench.tokens", environment=environment)
        for number in range(rounds):
            for name, command in SERVERS.items():
                say(f"One refresh, round {number + 1} of {rounds}: {name}")
                with serving(command, environment, upstream, accounts) as server:
                    server.warm_up(REFRESH)
                    if name == ours:
                        _measure_all(server, loads[name], seconds)
                        statements = count_statements(server, database, REFRESH)
                    else:
                        _measure_refresh(server, loads[name], seconds)
    results = {
        name: {key: _median(values) for key, values in each.items()} for name, each in loads.items()
    }
    _report(report, results[ours], statements)
    report.sections["servers"] = _server_table(results)


def _measure_all(server: Server, loads: Loads, seconds: float) -> None:
    for path in (NO_OP, PLAIN):
        server.measure(path, latency=0, seconds=1)
    for _ in range(2):
        _measure_refresh(server, loads, seconds)
        for latency in LATENCIES:
            _measure(server, loads, PLAIN, latency, seconds)
            # It is the same whatever Unipile does.
            loads[NO_OP].append(server.measure(NO_OP, latency=0, seconds=seconds))
        for path in (LIST, NO_OP_GET):
            loads[path].append(server.measure(path, latency=0, seconds=seconds))
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


def _report(report: Report, ours: Results, statements: dict[str, float]) -> None:
    cpu = "cpu_milliseconds"
    for latency in ("0 ms", "50 ms"):
        refresh, plain = (ours[f"{path} {latency}"] for path in (REFRESH, PLAIN))
        report.add_ratio(
            f"CPU of a refresh / of the plain view, {latency}",
            *(refresh[cpu], plain[cpu], "ms"),
            at_most=1.0,
        )
        report.add_ratio(
            f"Requests a second / the plain view's, {latency}",
            *(refresh["per_second"], plain["per_second"], "a second"),
            at_least=1.0,
        )
        report.add(
            f"New connections to Unipile in steady state, {latency}",
            refresh["new_connections"],
            at_most=0,
        )
    for percentile in ("p50", "p99"):
        report.add_ratio(
            f"{percentile} / the plain view's, 50 ms, 32 clients",
            *(refresh[percentile], plain[percentile], "ms"),
            at_most=1.0,
        )
    for name, path in (("a refresh", f"{REFRESH} 0 ms"), ("a refresh that changes", CHANGED)):
        report.add_ratio(
            f"CPU of {name} / of a no-op POST, 0 ms", *(ours[path][cpu], ours[NO_OP][cpu], "ms")
        )
    report.add_ratio(
        "p50 of the list of 10 accounts / of a no-op GET",
        *(ours[LIST]["p50"], ours[NO_OP_GET]["p50"], "ms"),
        at_most=1.3,
    )
    ends = {"BEGIN", "COMMIT", "empty"}
    report.add(
        "SQL statements besides BEGIN and COMMIT",
        sum(count for kind, count in statements.items() if kind not in ends),
        at_most=5,
    )


def _server_table(servers: dict[str, Results]) -> str:
    heads = ["Server", "CPU, 0 ms", "a second, 0 ms", "a second, 50 ms", "p50, 50 ms", "p99, 50 ms"]
    lines = []
    for name, results in servers.items():
        at_once, later = results[f"{REFRESH} 0 ms"], results[f"{REFRESH} 50 ms"]
        lines.append(
            [
                name,
                f"{at_once['cpu_milliseconds']:.2f} ms",
                *(f"{load['per_second']:.0f}" for load in (at_once, later)),
                *(f"{later[percentile]:.0f} ms" for percentile in ("p50", "p99")),
            ]
        )
    return table(heads, lines)
