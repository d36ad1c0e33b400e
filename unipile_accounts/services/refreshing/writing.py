"""The one place that writes accounts and their history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from unipile_accounts.exceptions import AccountLocked, UnipileNotAsked
from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.models import LISTED_AS, AccountChange, UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Change, Origin, RefreshResult
from unipile_accounts.services.refreshing.deciding import (
    REPORTED,
    Decision,
    as_stored,
    decide,
    is_outdated,
    is_same_question,
)
from unipile_accounts.services.refreshing.locking import patiently

# Columns whose changes are in the history.
COLUMNS = (*REPORTED, "unipile_account_id")
# Each account has other values in these.
_OWN_COLUMNS = ("name", "profile_url", "linkedin_id")
_INSERTED = ("id", "user_id", "unipile_account_id", *_OWN_COLUMNS)


def store(
    row: UnipileAccount,
    verdict: AccountVerdict,
    *,
    asked_at: datetime,
    origin: Origin,
    dry_run: bool = False,
) -> RefreshResult | None:
    """Write an answer where the row is still as it was read, and return None where it is not.

    An answer that was asked for earlier than the stored one is not written. Raises `AccountLocked`
    when somebody holds the row for seconds.
    """
    if is_outdated(row, asked_at=asked_at):
        return as_stored(row, asked_at=asked_at)
    decision = decide(row, verdict, asked_at=asked_at)
    as_read = UnipileAccount.objects.filter(
        pk=row.pk,
        version=row.version,
        user_id=row.user_id,
        unipile_account_id=row.unipile_account_id,
    )
    new = {**decision.values, "version": row.version + 1, "updated_at": timezone.now()}

    def write() -> bool:
        is_written = as_read.update(**new) > 0
        if is_written and decision.changes:
            entry(row, decision.changes, origin).save()
        return is_written

    if dry_run or patiently(write, in_transaction=bool(decision.changes)):
        return decision.result(row)
    return None


def write_page(decided: Iterable[tuple[UnipileAccount, Decision]], origin: Origin) -> None:
    """Write locked rows, which hold their new values already.

    Rows that get the same values share a statement. Most have no news.
    """
    alike, named = defaultdict(list), []
    for row, decision in decided:
        values = decision.values
        if not values.keys().isdisjoint(_OWN_COLUMNS):
            values = {name: values[name] for name in values if name not in _OWN_COLUMNS}
            named.append(UnipileAccount(**{name: getattr(row, name) for name in _INSERTED}))
        alike[tuple(values.items())].append(row.pk)
    always = {"version": F("version") + 1, "updated_at": timezone.now()}
    for same, pks in alike.items():
        UnipileAccount.objects.filter(pk__in=pks).update(**dict(same), **always)
    # The rows are there, so nothing is inserted. bulk_update() takes twice as long.
    UnipileAccount.objects.bulk_create(
        named, update_conflicts=True, unique_fields=["id"], update_fields=_OWN_COLUMNS
    )
    AccountChange.objects.bulk_create(
        entry(row, decision.changes, origin) for row, decision in decided if decision.changes
    )


def write_locked(row: UnipileAccount, values: dict[str, Any], origin: Origin) -> dict[str, Change]:
    """Write values to a row that this transaction has locked, and return what they change."""
    changes = {
        name: Change(old, values[name])
        for name in COLUMNS
        if name in values and (old := getattr(row, name)) != values[name]
    }
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*values, "version", "updated_at"])
    if changes:
        entry(row, changes, origin).save()
    return changes


@transaction.atomic
def add(row: UnipileAccount, origin: Origin) -> None:
    """Insert a new row. The history tells of its plan where that is known.

    Raises `IntegrityError` where somebody was quicker with the same Unipile id.
    """
    row.save(force_insert=True)
    told = [name for name in COLUMNS if row.refreshed_at or name not in PLAN_COLUMNS]
    changes = {name: Change(None, value) for name in told if (value := getattr(row, name)) != ""}
    entry(row, changes, origin).save()


@transaction.atomic
def move(pk: UUID, user_id: Any, origin: Origin) -> None:
    """Give a row to another owner. Each owner's history tells the own side.

    Raises `UnipileAccount.DoesNotExist`, or `IntegrityError` where the owner has its member.
    """
    row = UnipileAccount.objects.select_for_update(no_key=True).get(pk=pk)
    if row.user_id == user_id:
        return
    entry(row, {"status": Change(row.status, None)}, origin).save()
    row.user_id = user_id
    row.version += 1
    row.save(update_fields=["user", "version", "updated_at"])
    entry(row, {"status": Change(None, row.status)}, origin).save()


def merge(row: UnipileAccount, *, into: UnipileAccount, origin: Origin) -> None:
    """Delete a locked row whose login another row has taken."""
    changes = {"status": Change(row.status, None), "merged_into": Change(None, str(into.pk))}
    entry(row, changes, origin).save()
    row.is_merged = True
    row.delete()


def entry(row: UnipileAccount, changes: dict[str, Change], origin: Origin) -> AccountChange:
    """Return an entry of the history, which is stored with the row, in its transaction."""
    return AccountChange(
        account_id=row.pk,
        owner_id=row.user_id,
        door=origin.door,
        user_id=origin.user.pk if origin.user else None,
        changes={LISTED_AS.get(name, name): change for name, change in changes.items()},
    )


def note_failures(results: Iterable[RefreshResult]) -> None:
    """Write down that refreshes failed, and nothing else of the rows."""
    failures: dict[tuple[str, datetime | None], dict[UUID, UnipileAccount]] = defaultdict(dict)
    for result in results:
        error = result.error
        if error is None or result.stored or result.outcome == "skipped":
            continue
        # The note on a locked row would need the same lock.
        if not isinstance(error, (AccountLocked, UnipileNotAsked)):
            failures[error.code, result.asked_at][result.account.pk] = result.account
    for (code, asked_at), accounts in failures.items():
        patiently(partial(_note, accounts, code, asked_at))


def _note(accounts: dict[UUID, UnipileAccount], code: str, asked_at: datetime | None) -> None:
    free = UnipileAccount.objects.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    columns = free.only("user_id", "unipile_account_id", "last_tried_at")
    same = [
        row.pk
        for row in columns.filter(pk__in=accounts)
        if is_same_question(row, accounts[row.pk]) and not _was_tried_since(row, asked_at)
    ]
    tried = {"last_tried_at": asked_at or Now(), "last_error": code}
    UnipileAccount.objects.filter(pk__in=same).update(**tried)


def _was_tried_since(row: UnipileAccount, asked_at: datetime | None) -> bool:
    tried_at = row.last_tried_at
    is_later = asked_at is not None and tried_at is not None and asked_at < tried_at
    return is_later and row.passed(tried_at) is not None
