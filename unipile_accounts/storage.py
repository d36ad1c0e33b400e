"""The one place that writes what Unipile decides: verdicts in, rows and what changed out."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from unipile_accounts.exceptions import UnipileAccountDisconnected, UnipileError
from unipile_accounts.limits import weekly_limits
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads import AccountVerdict
from unipile_accounts.sql import update_rows

# What one question about an account brought: a verdict, or why there is none.
Answer = AccountVerdict | UnipileError


class Change(NamedTuple):
    old: Any
    new: Any


@dataclass(frozen=True)
class RefreshResult:
    """How the refresh of one account went: the row as it is now, what changed, why it failed.

    `stored` is false when nothing was written: there was an error that says nothing about the
    account, or an answer that was asked for later is stored already.
    """

    account: UnipileAccount
    changes: dict[str, Change] = field(default_factory=dict)
    error: UnipileError | None = None
    stored: bool = False

    @property
    def outcome(self) -> Literal["refreshed", "skipped", "failed"]:
        if self.error is None:
            return "refreshed"
        return "skipped" if isinstance(self.error, UnipileAccountDisconnected) else "failed"


def store(
    answers: Mapping[str, Answer],
    *,
    among: QuerySet[UnipileAccount],
    asked_at: datetime,
    stored_at: Container[datetime] = (),
    dry_run: bool = False,
) -> list[RefreshResult]:
    """Write answers, by Unipile id, to the rows `among` these that they are about.

    One short transaction. Each row is locked before it is compared, so of several refreshes after
    one upgrade exactly one sees the change; and an answer that was asked for earlier than the
    stored one is not written. Rows that have their answer from one of the moments `stored_at` are
    passed over. A dry run compares and writes nothing.
    """
    with transaction.atomic(durable=True):
        # In one order everywhere, so that two of us never wait for each other in a circle.
        rows = among.filter(unipile_account_id__any_of=answers).order_by("pk")
        # Times take longer to read than all the rest of a row, and these two are not compared.
        rows = rows.defer("created_at", "updated_at")
        results = [
            _apply(answers[row.unipile_account_id], row, asked_at=asked_at)
            for row in rows.select_for_update(of=("self",), no_key=True)
            if row.refreshed_at not in stored_at
        ]
        if not dry_run:
            _write([result for result in results if result.stored], asked_at=asked_at)
    return results


def _apply(answer: Answer, row: UnipileAccount, *, asked_at: datetime) -> RefreshResult:
    """Bring a locked row, in memory, to what Unipile answered."""
    if row.status == UnipileAccount.Status.DISCONNECTED:
        return RefreshResult(row, error=disconnected(row))
    error = answer if isinstance(answer, UnipileError) else None
    if error and error.account_status is None:
        return RefreshResult(row, error=error)
    if row.refreshed_at and asked_at < row.refreshed_at:
        return RefreshResult(row)
    changes = {
        name: Change(old, new)
        for name, new in _new_values(answer).items()
        if new is not None and (old := getattr(row, name)) != new
    }
    for name, change in changes.items():
        setattr(row, name, change.new)
    return RefreshResult(row, changes, error, stored=True)


def _new_values(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, UnipileError):
        return {"status": answer.account_status}
    values = answer._asdict()
    if answer.is_premium is not None:
        limits = weekly_limits(is_premium=answer.is_premium)
        values["weekly_connection_limit"] = limits.connections
        values["weekly_message_limit"] = limits.messages
    return values


def _write(results: list[RefreshResult], *, asked_at: datetime) -> None:
    now = timezone.now()
    new_values = {}
    for result in results:
        row = result.account
        row.refreshed_at, row.updated_at = asked_at, now
        new_values[row.pk] = {name: new for name, (_, new) in result.changes.items()}
    if new_values:
        update_rows(new_values, refreshed_at=asked_at, updated_at=now)


def disconnected(account: UnipileAccount) -> UnipileAccountDisconnected:
    return UnipileAccountDisconnected(
        f"Account {account.pk} is disconnected, so Unipile was not asked."
    )
