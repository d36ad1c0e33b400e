"""What a run says: lines for people or JSON for machines on stdout, the rest on stderr."""

from __future__ import annotations

import json
import time
from typing import Any

from unipile_accounts.interrupts import stop
from unipile_accounts.management.ending import Ending
from unipile_accounts.management.progress import Bar, Lines, Progress
from unipile_accounts.management.stream import Stream
from unipile_accounts.results import RefreshResult, Summary, describe


class Output:
    """Counts what happened and prints it; to be closed with the run's ending."""

    def __init__(
        self,
        stdout: Stream,
        stderr: Stream,
        *,
        total: int,
        quiet: bool,
        as_json: bool,
        dry_run: bool,
        left_out: int,
    ) -> None:
        self.summary = Summary()
        self._stdout = stdout
        self._stderr = stderr
        self._quiet = quiet
        self._as_json = as_json
        self._dry_run = dry_run
        self._left_out = left_out
        self._started = time.monotonic()
        self._progress = self._progress_of(total)

    def _progress_of(self, total: int) -> Progress:
        if self._quiet:
            return Progress()
        if self._stderr.isatty():
            return Bar(total)
        return Lines(total, lambda line: self._print(self._stderr, line))

    def add(self, result: RefreshResult) -> None:
        # Count first, because what is stored counts even if printing fails.
        self.summary.add(result)
        if self._as_json:
            self._print(self._stdout, json.dumps(_outcome(result)))
        elif result.outcome == "failed":
            self._print(self._stderr, describe(result, dry_run=self._dry_run))
        elif (result.changes or result.error) and not self._quiet:
            self._print(self._stdout, describe(result, dry_run=self._dry_run))
        self._progress.advance(self.summary)

    def close(self, ending: Ending, *, requests: int) -> None:
        """Print the summary; `requests` is how many questions Unipile was asked."""
        self._progress.close()
        is_lost = self._stdout.is_lost or self._stderr.is_lost
        if is_lost or (self._quiet and ending.status and not self._as_json):
            self._print(self._stderr, self._sentence(requests))
        elif self._as_json:
            self._print(self._stdout, json.dumps({"summary": self._numbers(ending, requests)}))
        elif not self._quiet:
            self._print(self._stdout, self._sentence(requests))

    def _sentence(self, requests: int) -> str:
        start = "Dry run, nothing was written: " if self._dry_run else ""
        left_out = f", {self._left_out} disconnected left out" if self._left_out else ""
        s = "" if requests == 1 else "s"
        return f"{start}{self.summary}{left_out}; {requests} request{s}, {self._seconds()} seconds"

    def _numbers(self, ending: Ending, requests: int) -> dict[str, Any]:
        return {
            "refreshed": self.summary.refreshed,
            "changed": self.summary.changed,
            "unchanged": self.summary.unchanged,
            "skipped": self.summary.skipped,
            "failed": self.summary.failed,
            "disconnected": self._left_out,
            "requests": requests,
            "seconds": self._seconds(),
            "dry_run": self._dry_run,
            "status": ending.status,
            "reason": ending.reason or None,
        }

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 1)

    def _print(self, stream: Stream, line: str) -> None:
        with self._progress.aside():
            stream.write(line)
        if stream.is_lost:
            # End the run in good order.
            stop()


def _outcome(result: RefreshResult) -> dict[str, Any]:
    error = result.error
    return {
        "account": str(result.account.pk),
        "user": result.account.user_id,
        "outcome": result.outcome,
        "changed": {name: change._asdict() for name, change in result.changes.items()},
        "code": error.code if error else None,
        "reason": str(error) if error else None,
        "next_step": str(error.advice) if error else None,
    }
