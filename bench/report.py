"""Figures, their goals, and the table of both."""

from __future__ import annotations

import sys


class Report:
    def __init__(self) -> None:
        self.missed = 0
        self._rows = [
            ("Figure", "Value", "Measured", "Goal", "Met"),
            ("---", "---:", "---:", "---:", "---"),
        ]

    def add(
        self,
        what: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        measured: str = "",
    ) -> None:
        value = round(value, 2)
        goal, is_met = "", True
        if at_most is not None:
            goal, is_met = f"at most {at_most:g}", value <= at_most
        if at_least is not None:
            goal, is_met = f"at least {at_least:g}", value >= at_least
        met = ("yes" if is_met else "**no**") if goal else ""
        self.missed += not is_met
        self._rows.append((what, f"{value:g}", measured, goal, met))

    def add_ratio(
        self, what: str, ours: float, base: float, unit: str, **goal: float | None
    ) -> None:
        """Add how much `ours` is of `base`. The table shows both."""
        self.add(what, ours / base, **goal, measured=f"{ours:.3g} / {base:.3g} {unit}")

    def table(self) -> str:
        return "\n".join(f"| {' | '.join(cells)} |" for cells in self._rows)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
