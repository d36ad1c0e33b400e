"""How refreshes went: for one account, in numbers for many, and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from unipile_accounts.exceptions import UnipileAccountDisconnected, UnipileError
from unipile_accounts.models import AnyUser, UnipileAccount


class Door(StrEnum):
    """Where a refresh came in."""

    API = "api"
    ADMIN = "admin"
    COMMAND = "command"
    EVENT = "event"
    CONNECT = "connect"


class Origin(NamedTuple):
    """Who asked for a refresh, and where. The history says so."""

    door: Door
    user: AnyUser | None = None


class Change(NamedTuple):
    old: Any
    new: Any


@dataclass(frozen=True)
class RefreshResult:
    """How the refresh of one account went: the row as it is now, what changed, why it failed.

    `stored` is false when nothing was written, because Unipile gave no verdict or a later answer
    is stored already. A row that is not connected is a failure, whoever found out. `asked_at` is
    when an answer that failed was asked for.
    """

    account: UnipileAccount
    changes: dict[str, Change] = field(default_factory=dict)
    error: UnipileError | None = None
    stored: bool = False
    asked_at: datetime | None = None

    @property
    def outcome(self) -> Literal["refreshed", "skipped", "failed"]:
        if self.error is None:
            return "refreshed"
        return "skipped" if isinstance(self.error, UnipileAccountDisconnected) else "failed"


@dataclass
class Summary:
    """Counts of accounts by outcome. A failed one is not among the `changed`."""

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


def describe(result: RefreshResult, *, dry_run: bool = False) -> str:
    """Say in one line what changed in an account, and why it was not refreshed and what to do."""
    parts = []
    if result.changes:
        changes = ", ".join(
            f"{name} {_printable(old)} -> {_printable(new)}"
            for name, (old, new) in result.changes.items()
        )
        parts.append(f"{'would change ' if dry_run else ''}{changes}")
    if result.error:
        parts.append(f"{result.outcome}: {describe_error(result)}")
    account = result.account
    name = f" ({_printable(account.name)})" if account.name else ""
    return f"account {account.pk}{name}: {'; '.join(parts) or 'unchanged'}"


def describe_error(result: RefreshResult) -> str:
    """Say why an account was not refreshed and what to do, or nothing where it was."""
    if result.error is None:
        return ""
    if result.outcome == "skipped":
        return result.error.advice
    return f"{result.error} {result.error.next_step}"


def _printable(value: Any) -> str:
    """Escape what a customer's name could do to a terminal or to a log of one line an entry."""
    text = str(value) or "''"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
