"""The one place that writes what Unipile decides: verdicts in, rows and what changed out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.utils import timezone

from unipile_accounts.exceptions import UnipileAccountDisconnected, UnipileError
from unipile_accounts.limits import weekly_limits
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Change, RefreshResult
from unipile_accounts.services.sql import COLUMNS, update_rows

# What one question about an account brought: a verdict, or why there is none.
Answer = AccountVerdict | UnipileError

# How often a row is compared that somebody else has changed each time. To change one takes a new
# answer of Unipile's or a person, so two are enough, and this many mean that something is wrong.
COMPARISONS = 10


def store(
    answers: Mapping[str, Answer],
    rows: Iterable[UnipileAccount],
    *,
    asked_at: datetime,
    dry_run: bool = False,
) -> list[RefreshResult]:
    """Write answers, by Unipile id, to the rows that they are about.

    A row is compared as it was read, and written only if it still is so: one statement locks it,
    looks and writes. One that somebody else has changed in between is read and compared again. So
    of several refreshes after one upgrade exactly one sees the change; and an answer that was asked
    for earlier than the stored one is not written. A dry run compares and writes nothing.

    Rows that are gone by then, or have another Unipile id, are left out of the results.
    """
    results: list[RefreshResult] = []
    for _ in range(COMPARISONS):
        compared = [_apply(answers[row.unipile_account_id], row, asked_at=asked_at) for row in rows]
        overtaken = set() if dry_run else _write(compared, asked_at=asked_at)
        results += [result for result in compared if result.account.pk not in overtaken]
        if not overtaken:
            return results
        rows = UnipileAccount.objects.filter(pk__in=overtaken, unipile_account_id__in=answers)
    raise OperationalError(f"{len(overtaken)} accounts are never as they were read a moment ago.")


def _apply(answer: Answer, row: UnipileAccount, *, asked_at: datetime) -> RefreshResult:
    """Bring a row, in memory, to what Unipile answered."""
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


def _write(results: Iterable[RefreshResult], *, asked_at: datetime) -> set[UUID]:
    """Write what is to be stored; return the keys of rows that are not as they were compared."""
    now = timezone.now()
    updates = {}
    for result in results:
        if result.stored:
            result.account.refreshed_at, result.account.updated_at = asked_at, now
            updates[result.account.pk] = _update(result)
    if not updates:
        return set()
    return updates.keys() - update_rows(updates.values(), refreshed_at=asked_at, updated_at=now)


def _update(result: RefreshResult) -> dict[str, Any]:
    row = result.account
    update = {"key": row.pk.hex, "unipile_account_id": row.unipile_account_id}
    for name in COLUMNS:
        if name in result.changes:
            update[f"old_{name}"], update[name] = result.changes[name]
        else:
            update[f"old_{name}"] = getattr(row, name)
    return update


def disconnected(account: UnipileAccount) -> UnipileAccountDisconnected:
    return UnipileAccountDisconnected(
        f"Account {account.pk} is disconnected, so Unipile was not asked."
    )
