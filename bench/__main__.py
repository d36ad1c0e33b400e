"""Measure what a refresh and a pass cost, and print the figures beside their goals.

Takes some five minutes. Ends with status 1 when a goal is not met.
"""

from __future__ import annotations

import argparse
import platform
import time
from importlib.metadata import version

from bench import many, one
from bench.report import Report
from bench.upstream import Upstream
from script import children
from script.serving import migrated_postgres

PACKAGES = ("Django", "djangorestframework", "gunicorn", "psycopg", "requests")


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--accounts",
        type=int,
        default=100_000,
        help="size of the largest pass, for its memory (%(default)s)",
    )
    accounts: int = parser.parse_args().accounts
    started = time.monotonic()
    report = Report()
    with migrated_postgres() as database, Upstream() as upstream:
        no_op = one.measure(report, database, upstream)
        many.measure(report, database, upstream, no_op=no_op, largest=accounts)
    print(report.table())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"\nPython {platform.python_version()}, {versions}.")
    print(f"{report.missed} goals missed, in {time.monotonic() - started:.0f} s.")
    return 1 if report.missed else 0


if __name__ == "__main__":
    children.run(main)
