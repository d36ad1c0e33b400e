"""Measure everything, print the table, and end with status 1 when a goal was not met."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from pathlib import Path

from bench import events, many, one
from bench.report import Report, versions
from script import children
from script.serving import migrated_postgres
from script.settings_environment import isolate

README = Path(__file__).with_name("README.md")
# A group of measurements is a module with a function `measure(database, report, quick=)`.
GROUPS = (one, events, many)
LONGEST = 15 * 60


def main() -> int:
    options = _options()
    children.raise_stopped_on_signals()
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST)
    isolate()
    if options.accounts:
        signal.alarm(0)
        with migrated_postgres() as database:
            print(many.measure_one(database, options.accounts))
        return 0
    started = time.monotonic()
    report = Report()
    try:
        with migrated_postgres() as database:
            for group in GROUPS:
                group.measure(database, report, quick=options.quick)
            report.sections["versions"] = f"Measured with {versions(database)}."
    except children.Stopped as exc:
        return exc.status
    print(report.sections["figures"])
    if options.write:
        README.write_text(_filled_in(README.read_text(), report.sections))
    missed = [figure for figure in report.figures if not figure.is_met]
    seconds = time.monotonic() - started
    print(f"\n{len(missed)} of {len(report.figures)} goals missed, in {seconds:.0f} s.")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, to see that it works; figures mean little",
    )
    parser.add_argument(
        "--accounts", type=int, help="only one pass over so many accounts, such as 1000000"
    )
    parser.add_argument("--write", action="store_true", help="put the results into bench/README.md")
    return parser.parse_args()


def _too_long(*_: object) -> None:
    sys.exit(f"Not done after {LONGEST // 60} minutes: this machine is too slow or too busy.")


def _filled_in(text: str, sections: dict[str, str]) -> str:
    for name, content in sections.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        new = f"{begin}\n{content}\n{end}"
        text = re.sub(f"{begin}.*?{end}", lambda _, new=new: new, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    sys.exit(main())
