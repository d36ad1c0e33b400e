"""What a run prints, as lines for people or as JSON for machines."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from unipile_accounts.results import RefreshResult, Summary, describe, describe_error
from unipile_accounts.services import RefreshPass


@dataclass
class Output:
    """Prints results as they come, and a summary when it is closed."""

    stdout: OutputWrapper
    stderr: OutputWrapper
    options: dict[str, Any]
    total: int
    left_out: int

    def __post_init__(self) -> None:
        self.summary = Summary()
        # Results in a row that have one reason are printed as one line.
        self._last: RefreshResult | None = None
        self._alike = 0
        self._started = time.monotonic()
        # With None tqdm draws on a terminal only.
        disable = self.options["quiet"] or None
        self._bar = tqdm(total=self.total, unit="account", leave=False, disable=disable)

    def add(self, result: RefreshResult) -> None:
        self.summary.add(result)
        if self.options["json"]:
            self._print(self.stdout, json.dumps(_outcome(result)))
        elif result.changes or result.error:
            if not self._last or not _are_alike(self._last, result):
                self._print_last()
            self._last = result
            self._alike += 1
        self._bar.update()

    def close(self, run: RefreshPass, error: CommandError | None) -> None:
        self._print_last()
        self._bar.close()
        if self.options["json"]:
            self._print(self.stdout, json.dumps({"summary": self._numbers(run, error)}))
        elif error or not self.options["quiet"]:
            stream = self.stderr if self.options["quiet"] else self.stdout
            self._print(stream, self._sentence(run))

    def _print_last(self) -> None:
        result, alike = self._last, self._alike
        self._last, self._alike = None, 0
        if not result or (self.options["quiet"] and result.outcome != "failed"):
            return
        line = describe(result, dry_run=self.options["dry_run"])
        if alike > 1:
            what = "skipped" if result.outcome == "skipped" else "not refreshed"
            line = f"{alike} accounts were {what}: {describe_error(result)}"
        self._print(self.stderr if result.outcome == "failed" else self.stdout, line)

    def _sentence(self, run: RefreshPass) -> str:
        start = "Dry run, nothing was written: " if self.options["dry_run"] else ""
        others = {"disconnected left out": self.left_out, "unknown at Unipile": run.unknown}
        more = "".join(f", {number} {what}" for what, number in others.items() if number)
        asked = run.patience.questions
        s = "" if asked == 1 else "s"
        return f"{start}{self.summary}{more}; {asked} request{s}, {self._seconds()} seconds"

    def _numbers(self, run: RefreshPass, error: CommandError | None) -> dict[str, Any]:
        return {
            **asdict(self.summary),
            "unchanged": self.summary.unchanged,
            "disconnected": self.left_out,
            "unknown": run.unknown,
            "requests": run.patience.questions,
            "dry_run": self.options["dry_run"],
            "status": error.returncode if error else 0,
            "reason": str(error) if error else None,
            "seconds": self._seconds(),
        }

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 1)

    def _print(self, stream: OutputWrapper, line: str) -> None:
        # The bar makes room for the line.
        with tqdm.external_write_mode():
            stream.write(line)
        # The reader of a pipe gets each line at once.
        stream.flush()


def _are_alike(one: RefreshResult, other: RefreshResult) -> bool:
    return not (one.changes or other.changes) and describe_error(one) == describe_error(other)


def _outcome(result: RefreshResult) -> dict[str, Any]:
    error = result.error
    return {
        "account": str(result.account.pk),
        "user": result.account.user_id,
        "outcome": result.outcome,
        "changed": {name: change._asdict() for name, change in result.changes.items()},
        "code": error.code if error else None,
        "reason": str(error) if error else None,
        "next_step": error.next_step if error else None,
    }
