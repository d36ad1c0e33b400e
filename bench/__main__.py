"""Measure what a refresh and a pass cost, and print the figures beside their goals.

Takes some five minutes. Ends with status 1 when a goal is not met.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench import many, one
from bench.report import Report, versions
from bench.upstream import Upstream
from script import children
from script.postgres import PostgresError
from script.serving import migrated_postgres


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--accounts",
        type=int,
        default=100_000,
        help="size of the largest pass, for its memory (%(default)s)",
    )
    accounts: int = parser.parse_args().accounts
    children.raise_stopped_on_signals()
    try:
        return _measure(accounts)
    except children.Stopped as exc:
        return exc.status
    except PostgresError as exc:
        print(f"PostgreSQL did not start: {exc}", file=sys.stderr)
        return 1


def _measure(accounts: int) -> int:
    started = time.monotonic()
    report = Report()
    with migrated_postgres() as database, Upstream() as upstream:
        no_op = one.measure(report, database, upstream)
        many.measure(report, database, upstream, no_op=no_op, largest=accounts)
        measured_with = versions(database)
    print(report.table())
    print(f"\n{measured_with}.")
    missed = report.missed()
    print(f"{missed} goals missed, in {time.monotonic() - started:.0f} s.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
