"""Figures, their goals, and the table of both."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from script.postgres import Server

PACKAGES = ("Django", "djangorestframework", "gunicorn", "psycopg", "requests", "urllib3")
HEADS = ("Figure", "Value", "Measured", "Goal", "Met")


@dataclass(frozen=True)
class Figure:
    what: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    measured: str = ""

    @property
    def is_met(self) -> bool:
        value = round(self.value, 2)
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def cells(self) -> tuple[str, ...]:
        goal = met = ""
        if self.at_most is not None:
            goal = f"at most {self.at_most:g}"
        if self.at_least is not None:
            goal = f"at least {self.at_least:g}"
        if goal:
            met = "yes" if self.is_met else "**no**"
        return self.what, f"{round(self.value, 2):g}", self.measured, goal, met


class Report:
    def __init__(self) -> None:
        self._figures: list[Figure] = []

    def add(self, what: str, value: float, *, at_most: float) -> None:
        self._figures.append(Figure(what, value, at_most=at_most))

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
        """Add how much `ours` is of `base`. The table shows both."""
        measured = f"{ours:.3g} / {base:.3g} {unit}"
        self._figures.append(Figure(what, ours / base, at_most, at_least, measured))

    def missed(self) -> int:
        return sum(not figure.is_met for figure in self._figures)

    def table(self) -> str:
        aligned = ("---", "---:", "---:", "---:", "---")
        rows = [HEADS, aligned, *(figure.cells() for figure in self._figures)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def versions(database: Server) -> str:
    with database.connect("puffle") as connection:
        number = connection.info.server_version
    packages = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    postgres = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    return ", ".join([f"Python {platform.python_version()}", postgres, *packages, _cpus()])


def _cpus() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"
