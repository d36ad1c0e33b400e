"""A pass over all accounts of a workspace."""

from __future__ import annotations

import statistics
from collections import defaultdict

from bench.report import Report, say
from bench.stack import measured_service, run
from bench.upstream import Upstream
from script.postgres import Server

# One account in so many has changed at Unipile.
CHANGED = {"5 %": 20, "100 %": 1}
ONE_BY_ONE = 200
Run = dict[str, float]


def measure(
    report: Report, database: Server, upstream: Upstream, *, no_op: float, largest: int
) -> None:
    """`no_op` is the CPU of a no-op POST in milliseconds."""

    def passes(*kinds: str, accounts: int, latency: float, rounds: int) -> dict[str, Run]:
        upstream.reset(accounts, latency=latency)
        return _measure(kinds, database, upstream, rounds)

    few = passes(*CHANGED, accounts=1_000, latency=0.02, rounds=5)
    many = passes(*CHANGED, "one by one", accounts=10_000, latency=0.02, rounds=2)
    slow = passes(*CHANGED, "floor", accounts=10_000, latency=0.2, rounds=2)
    large = passes("5 %", accounts=largest, latency=0.02, rounds=1)
    goals = (("5 %", 1.1, 30), ("100 %", 1.2, 60))
    for kind, time_goal, cpu_goal in goals:
        report.add_ratio(
            f"10,000 accounts, 200 ms a page, {kind} changed: time / only downloading",
            *(slow[kind]["seconds"], slow["floor"]["seconds"], "s"),
            at_most=time_goal,
        )
        report.add_ratio(
            f"1,000 accounts, {kind} changed: CPU / a no-op POST",
            *(few[kind]["cpu_seconds"] * 1000, no_op, "ms"),
            at_most=cpu_goal,
        )
        report.add_ratio(
            f"10,000 accounts, 20 ms an answer, {kind} changed: one by one / a pass",
            many["one by one"]["seconds"] / ONE_BY_ONE * 10_000,
            *(many[kind]["seconds"], "s"),
            at_least=50,
        )
    report.add_ratio(
        f"Peak memory of a pass over {largest:,} accounts / over 10,000",
        *(large["5 %"]["mebibytes"], many["5 %"]["mebibytes"], "MiB"),
        at_most=1.1,
    )


def _measure(
    kinds: tuple[str, ...], database: Server, upstream: Upstream, rounds: int
) -> dict[str, Run]:
    """Return the median of each kind of pass."""
    service = measured_service(database, upstream)
    run("bench.rows", str(upstream.size), environment=service.environment)
    runs: dict[str, list[Run]] = defaultdict(list)
    for number in range(rounds):
        say(
            f"{upstream.size:,} accounts, {upstream.latency * 1000:.0f} ms a page,"
            f" round {number + 1} of {rounds}"
        )
        for kind in kinds:
            if kind in CHANGED:
                # Autovacuum would do it in the middle of a pass.
                with service.connect() as connection:
                    connection.execute("VACUUM (ANALYZE) unipile_accounts")
                upstream.change(CHANGED[kind])
            program = "service" if kind in CHANGED else kind.replace(" ", "_")
            size = ONE_BY_ONE if kind == "one by one" else upstream.size
            arguments = ("bench.passes", program, str(size))
            runs[kind].append(run(*arguments, environment=service.environment))
    return {kind: _median(each) for kind, each in runs.items()}


def _median(runs: list[Run]) -> Run:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}
