"""Measure everything, print the table, and end with status 1 when a goal was not met."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from bench import many, one, plots, stack
from bench.report import Figure, table, versions
from script import children

FOLDER = Path(__file__).parent
# Of the ten minutes, the rest is for an install.
LONGEST = 9 * 60
ENOUGH = 6 * 60


class TooLong(Exception):
    """This machine is too slow or too busy for the measurements."""


def main() -> int:
    options = _options()
    children.raise_stopped_on_signals()
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST)
    for name in [name for name in os.environ if name.startswith("PG")]:
        # Meant for some other server.
        del os.environ[name]
    try:
        figures, results = _measure(quick=options.quick)
    except children.Stopped as exc:
        return exc.status
    except TooLong:
        sys.exit(f"Not done after {LONGEST // 60} minutes: this machine is too slow or too busy.")
    print(table(figures))
    if options.write:
        _write(figures, results)
    missed = [figure for figure in figures if not figure.is_met]
    print(f"\n{len(figures) - len(missed)} of {len(figures)} goals met, in {results['seconds']} s.")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, to see that it works; figures mean little",
    )
    parser.add_argument(
        "--write", action="store_true", help="put the results into bench/README.md and its plots"
    )
    return parser.parse_args()


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong


def _measure(*, quick: bool) -> tuple[list[Figure], dict[str, Any]]:
    started = time.monotonic()
    with stack.database() as url:
        rounds, seconds = (1, 1.0) if quick else (3, 1.5)
        figures_of_one, result_of_one = one.measure(url, rounds=rounds, seconds=seconds)
        sizes = {1_000: 1, 2_000: 1} if quick else many.SIZES
        figures_of_many, result_of_many = many.measure(url, sizes, until=started + ENOUGH)
        results = {
            "one": result_of_one,
            "many": result_of_many,
            "versions": versions(url),
            "seconds": round(time.monotonic() - started),
        }
    return figures_of_one + figures_of_many, results


# --- What is kept ---------------------------------------------------------------------------------


def _write(figures: list[Figure], results: dict[str, Any]) -> None:
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (FOLDER / "growth.svg").write_text(plots.growth(_lines(results["many"])))
    ours = next(iter(results["one"]["servers"].values()))
    costs = {
        "a no-op POST": ours[one.NO_OP]["cpu_milliseconds"],
        "a refresh": ours[f"{one.REFRESH} 50 ms"]["cpu_milliseconds"],
        "the plain view": ours[f"{one.PLAIN} 50 ms"]["cpu_milliseconds"],
    }
    (FOLDER / "cpu.svg").write_text(plots.bars("CPU time of the server per request", costs, "ms"))
    readme = FOLDER / "README.md"
    text = _replace(readme.read_text(), "figures", table(figures))
    text = _replace(text, "servers", _server_table(results["one"]["servers"]))
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    readme.write_text(_replace(text, "versions", f"Measured with {versions}."))


def _replace(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    new = f"{begin}\n{content}\n{end}"
    return re.sub(f"{begin}.*?{end}", lambda _: new, text, flags=re.DOTALL)


def _lines(measured: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    sizes = measured["sizes"]
    names = {"floor": "only downloading", "5 %": "5 % changed", "100 %": "100 % changed"}
    lines: dict[str, list[tuple[float, float]]] = {
        label: [(int(size), runs[name]["seconds"]) for size, runs in sizes.items()]
        for name, label in names.items()
    }
    for client, run in measured["one_by_one"].items():
        each = run["seconds"] / many.ONE_BY_ONE_ACCOUNTS
        lines[client] = [(int(size), each * int(size)) for size in sizes]
    return lines


def _server_table(servers: dict[str, Any]) -> str:
    lines = [
        "| Server | CPU, 0 ms | requests/s, 0 ms | requests/s, 50 ms | p50, 50 ms | p99, 50 ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, loads in servers.items():
        at_once, later = loads[f"{one.REFRESH} 0 ms"], loads[f"{one.REFRESH} 50 ms"]
        lines.append(
            f"| {name} | {at_once['cpu_milliseconds']:.2f} ms | {at_once['per_second']:.0f}"
            f" | {later['per_second']:.0f} | {later['p50']:.0f} ms | {later['p99']:.0f} ms |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
