"""Figures, goals, and the table of both."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg

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

    @property
    def is_met(self) -> bool:
        return (self.at_most is None or round(self.value, 2) <= self.at_most) and (
            self.at_least is None or round(self.value, 2) >= self.at_least
        )

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(figures: list[Figure]) -> str:
    lines = ["| Figure | Measured | Goal | Met |", "| --- | ---: | --- | --- |"]
    for figure in figures:
        value = f"{figure.value:.2f}".rstrip("0").rstrip(".") or "0"
        met = "yes" if figure.is_met else "**no**"
        lines.append(f"| {figure.what} | {value} | {figure.goal} | {met} |")
    return "\n".join(lines)


def versions(database_url: str) -> dict[str, str]:
    with psycopg.connect(database_url) as connection:
        version = connection.info.server_version
    return {
        "Python": platform.python_version(),
        "PostgreSQL": f"{version // 10_000}.{version % 10_000}",
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "CPU": f"{os.cpu_count()} x {_cpu()}",
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
