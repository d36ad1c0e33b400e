"""How refreshes went, in numbers and in words; the command and the admin say it alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unipile_accounts.storage import RefreshResult


@dataclass
class Summary:
    """Counts of accounts by outcome; a failed one is not among the `changed`."""

    refreshed: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0

    def add(self, result: RefreshResult) -> None:
        match result.outcome:
            case "refreshed":
                self.refreshed += 1
                self.changed += bool(result.changes)
            case "skipped":
                self.skipped += 1
            case "failed":
                self.failed += 1

    @property
    def unchanged(self) -> int:
        return self.refreshed - self.changed

    @property
    def total(self) -> int:
        return self.refreshed + self.skipped + self.failed

    def __str__(self) -> str:
        return (
            f"{self.refreshed} refreshed ({self.changed} changed, {self.unchanged} unchanged),"
            f" {self.skipped} skipped, {self.failed} failed"
        )


def describe(result: RefreshResult) -> str:
    """Say in one line what changed in an account, and why it was not refreshed and what to do."""
    parts = []
    if result.changes:
        parts.append(describe_changes(result))
    if result.error:
        # Why an account was skipped is in the advice already.
        reason = "" if result.outcome == "skipped" else f"{result.error} "
        parts.append(f"{result.outcome}: {reason}{result.error.advice}")
    account = result.account
    name = f" ({_printable(account.name)})" if account.name else ""
    return f"account {account.pk}{name}: {'; '.join(parts) or 'unchanged'}"


def describe_changes(result: RefreshResult) -> str:
    return ", ".join(
        f"{name} {_printable(old)} -> {_printable(new)}"
        for name, (old, new) in result.changes.items()
    )


def _printable(value: Any) -> str:
    """Escape what a customer's name could do to a terminal or to a log of one line an entry."""
    text = str(value) or "''"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
