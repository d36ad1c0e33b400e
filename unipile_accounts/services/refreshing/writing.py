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
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.services.refreshing.recording import write_history

logger = logging.getLogger("unipile_accounts.services")

# Columns whose changes are told. The others are only written.
TOLD = (
    "name",
    "profile_url",
    "status",
    "is_premium",
    "has_sales_navigator",
    "weekly_connection_limit",
    "weekly_message_limit",
)
_WRITTEN = (
    *TOLD,
    *("linkedin_id", "live_checked_at", "live_snapshot"),
    *("refreshed_at", "last_tried_at", "last_error", "updated_at"),
)


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
        applied = [
            _apply(verdicts[row.unipile_account_id], row, asked_at=asked_at)
            for row in rows
            if not skip(row)
        ]
        results = [result for result, _ in applied]
        if not dry_run:
            _write((result.account, values) for result, values in applied if result.stored)
            write_history(results, origin)
        return results

    return in_one_transaction(apply)


def _apply(
    verdict: AccountVerdict, row: UnipileAccount, *, asked_at: datetime
) -> tuple[RefreshResult, dict[str, Any]]:
    """Bring a locked row, in memory, to what Unipile answered; return what is to be written too."""
    if row.given_up_at:
        return RefreshResult(row, error=given_up(row)), {}
    if row.refreshed_at and asked_at < row.refreshed_at and not _is_ahead(row):
        return RefreshResult(row, error=_not_connected(row)), {}
    different = {
        name: value
        for name, value in _new_values(verdict, row, asked_at=asked_at).items()
        if (value is not None or name == "live_checked_at") and getattr(row, name) != value
    }
    changes = {
        name: Change(getattr(row, name), value) for name, value in different.items() if name in TOLD
    }
    error = UnipileReconnectRequired(verdict.reason) if verdict.reason else None
    values = different | {
        "refreshed_at": asked_at,
        "last_tried_at": asked_at,
        "last_error": error.code if error else "",
    }
    for name, value in values.items():
        setattr(row, name, value)
    return RefreshResult(row, changes, error, stored=True), values


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


def _write(rows: Iterable[tuple[UnipileAccount, dict[str, Any]]]) -> None:
    """Write rows that get the same values in one statement, and all the others in one more."""
    now = timezone.now()
    groups: dict[tuple[tuple[str, Any], ...], list[UnipileAccount]] = defaultdict(list)
    for row, new in rows:
        row.updated_at = now
        groups[tuple(new.items())].append(row)
    unlike = [alike[0] for alike in groups.values() if len(alike) == 1]
    if len(unlike) > 1:
        UnipileAccount.objects.bulk_create(
            unlike, update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN
        )
    for values, alike in groups.items():
        if len(alike) > 1 or len(unlike) == 1:
            UnipileAccount.objects.filter(pk__in=[row.pk for row in alike]).update(
                updated_at=now, **dict(values)
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
    # Ask for the time after the lock, so that a later answer is not ahead.
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
