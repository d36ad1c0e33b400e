"""Figures, goals, and the tables of both."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from script.postgres import Server

PACKAGES = (
    *("Django", "djangorestframework", "djangorestframework-simplejwt", "gunicorn", "granian"),
    *("psycopg", "psycopg-pool", "requests", "urllib3"),
    *("i-unipile-sdk", "unipile-python-community"),
)


@dataclass(frozen=True)
class Figure:
    what: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    # The two measurements of which it is the ratio.
    measured: str = ""

    @property
    def is_met(self) -> bool:
        return (self.at_most is None or round(self.value, 2) <= self.at_most) and (
            self.at_least is None or round(self.value, 2) >= self.at_least
        )

    def cells(self) -> tuple[str, ...]:
        if self.at_most is not None:
            goal = f"at most {self.at_most:g}"
        else:
            goal = "none" if self.at_least is None else f"at least {self.at_least:g}"
        met = "" if goal == "none" else "yes" if self.is_met else "**no**"
        return self.what, f"{round(self.value, 2):g}", self.measured, goal, met


class Report:
    """What was measured; `sections` are those of bench/README.md that are written."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.sections: dict[str, str] = {}

    def add(
        self,
        what: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        measured: str = "",
    ) -> None:
        self.figures.append(Figure(what, value, at_most, at_least, measured))
        heads = ("Figure", "Value", "Measured", "Goal", "Met")
        self.sections["figures"] = table(heads, (each.cells() for each in self.figures))

    def add_ratio(
        self,
        what: str,
        ours: float,
        base: float,
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Add how much `ours` is of `base`; both are shown."""
        measured = f"{ours:.3g} / {base:.3g} {unit}"
        self.add(what, ours / base, at_most=at_most, at_least=at_least, measured=measured)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    aligned = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, aligned, *rows])


def versions(database: Server) -> str:
    with database.connect("puffle") as connection:
        number = connection.info.server_version
    found = {
        "Python": platform.python_version(),
        "PostgreSQL": f"{number // 10_000}.{number % 10_000}",
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "CPU": f"{os.cpu_count()} x {_cpu()}",
    }
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
