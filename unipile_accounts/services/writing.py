"""The one place that writes what Unipile decides: verdicts in, rows and what changed out."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileAccountDisconnected,
    UnipileReconnectRequired,
)
from unipile_accounts.limits import weekly_limits
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Change, Origin, RefreshResult
from unipile_accounts.services.locking import in_one_transaction
from unipile_accounts.services.recording import write_history

logger = logging.getLogger("unipile_accounts.services")

# What a change of is told, and what is written without a word.
TOLD = (
    "name",
    "profile_url",
    "status",
    "is_premium",
    "has_sales_navigator",
    "weekly_connection_limit",
    "weekly_message_limit",
)
_UNTOLD = ("linkedin_id", "live_checked_at", "live_snapshot")
_STAMPS = ("refreshed_at", "updated_at", "last_tried_at", "last_error")


def store(
    verdicts: Mapping[str, AccountVerdict],
    accounts: UnipileAccountQuerySet,
    *,
    asked_at: datetime,
    origin: Origin,
    dry_run: bool = False,
    skip: Callable[[UnipileAccount], bool] = lambda row: False,
    skip_locked: bool = False,
) -> list[RefreshResult]:
    """Write verdicts, by Unipile id, to the rows among these that they are about.

    The rows are locked in the order of their keys and compared as they are then, so of several
    refreshes after one upgrade exactly one sees the change. An answer that was asked for before the
    stored one is not written. The history is written with the rows. A dry run writes nothing.

    Raises `AccountLocked` when somebody holds a row for seconds; `skip_locked` leaves it out.
    """

    def apply() -> list[RefreshResult]:
        locked = accounts.select_for_update(
            no_key=True, nowait=not skip_locked, skip_locked=skip_locked
        )
        rows = locked.filter(unipile_account_id__in=list(verdicts)).order_by("pk")
        # Both are written, never compared, and times are slow to read.
        rows = rows.defer("updated_at", "last_tried_at")
        differing: list[UnipileAccount] = []
        results = [
            _apply(verdicts[row.unipile_account_id], row, asked_at=asked_at, differing=differing)
            for row in rows
            if not skip(row)
        ]
        if not dry_run:
            _write(results, differing)
            write_history(results, origin)
        return results

    return in_one_transaction(apply)


def _apply(
    verdict: AccountVerdict,
    row: UnipileAccount,
    *,
    asked_at: datetime,
    differing: list[UnipileAccount],
) -> RefreshResult:
    """Bring a locked row, in memory, to what Unipile answered."""
    if row.given_up_at:
        return RefreshResult(row, error=given_up(row))
    if row.refreshed_at and asked_at < row.refreshed_at and not _is_ahead(row):
        return RefreshResult(row, error=_not_connected(row))
    new = {
        name: value
        for name, value in _new_values(verdict, row, asked_at=asked_at).items()
        if value is not None or name == "live_checked_at"
    }
    changes = {
        name: Change(old, new[name])
        for name in TOLD
        if name in new and (old := getattr(row, name)) != new[name]
    }
    if changes or any(getattr(row, name) != new.get(name, getattr(row, name)) for name in _UNTOLD):
        differing.append(row)
    for name, value in new.items():
        setattr(row, name, value)
    error = UnipileReconnectRequired(verdict.reason) if verdict.reason else None
    row.refreshed_at = row.last_tried_at = asked_at
    row.last_error = error.code if error else ""
    return RefreshResult(row, changes, error, stored=True)


def _new_values(
    verdict: AccountVerdict, row: UnipileAccount, *, asked_at: datetime
) -> dict[str, Any]:
    """Return values for our columns; None where the verdict says nothing."""
    values = {name: getattr(verdict, name, None) for name in (*TOLD, "linkedin_id")}
    if verdict.is_premium is None:
        return values
    if verdict.is_live:
        values |= {"live_checked_at": asked_at, "live_snapshot": verdict.plan_snapshot or ""}
    elif row.live_checked_at and verdict.plan_snapshot == row.live_snapshot:
        # Unipile's copy is as it was when LinkedIn was asked, so it is older than that answer.
        return values | {"is_premium": None, "has_sales_navigator": None}
    elif row.live_checked_at:
        values |= {"live_checked_at": None, "live_snapshot": ""}
    limits = weekly_limits(is_premium=verdict.is_premium)
    return values | {
        "weekly_connection_limit": limits.connections,
        "weekly_message_limit": limits.messages,
    }


def _write(results: Iterable[RefreshResult], differing: list[UnipileAccount]) -> None:
    """Write rows that differ in one statement, and stamp the others in another."""
    now = timezone.now()
    for row in differing:
        row.updated_at = now
    columns = [*TOLD, *_UNTOLD, *_STAMPS]
    if len(differing) == 1:
        differing[0].save(update_fields=columns)
    elif differing:
        UnipileAccount.objects.bulk_create(
            differing, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
    same: dict[tuple[datetime | None, str], list[UUID]] = defaultdict(list)
    known = {row.pk for row in differing}
    for result in results:
        if result.stored and result.account.pk not in known:
            result.account.updated_at = now
            same[result.account.refreshed_at, result.account.last_error].append(result.account.pk)
    for (asked_at, code), pks in same.items():
        UnipileAccount.objects.filter(pk__in=pks).update(
            refreshed_at=asked_at, last_tried_at=asked_at, last_error=code, updated_at=now
        )


def note_failures(results: Iterable[RefreshResult]) -> None:
    """Write down that refreshes failed, and nothing else of the rows."""
    codes: dict[str, list[UUID]] = defaultdict(list)
    for result in results:
        if result.error and not result.stored and result.outcome == "failed":
            codes[result.error.code].append(result.account.pk)
    # To note that a row is locked would take its lock.
    codes.pop(AccountLocked.code, None)
    for code, pks in codes.items():
        with transaction.atomic():
            # A row that somebody holds is worth no wait.
            free = UnipileAccount.objects.select_for_update(no_key=True, skip_locked=True)
            found = free.filter(pk__in=pks).order_by("pk").values_list("pk", flat=True)
            UnipileAccount.objects.filter(pk__in=list(found)).update(
                last_tried_at=Now(), last_error=code
            )


def _is_ahead(row: UnipileAccount) -> bool:
    """Tell a time that lies ahead of the database's clock; it puts nothing in order."""
    # Asked for anew, since the row was locked: a later answer is not ahead.
    if row.refreshed_at is None or row.refreshed_at <= UnipileAccount.objects.database_time():
        return False
    logger.warning("Account %s was refreshed in the future; that time is ignored.", row.pk)
    return True


def _not_connected(row: UnipileAccount) -> UnipileReconnectRequired | None:
    if row.status == UnipileAccount.Status.CONNECTED:
        return None
    return UnipileReconnectRequired(f"Account {row.pk} is {row.status} by a later answer.")


def given_up(account: UnipileAccount) -> UnipileAccountDisconnected:
    return UnipileAccountDisconnected(
        f"Account {account.pk} was disconnected by its owner, so Unipile was not asked."
    )
