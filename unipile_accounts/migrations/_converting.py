"""Turn what older versions have written into what this one reads, in steps that can be repeated."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, When

# Servers that write meanwhile wait for one step at most.
_ACCOUNTS, _ENTRIES = 2_000, 5_000
_FIRST = UUID(int=0)
_FLAGS = ["is_premium", "has_sales_navigator"]
_LIMITS = ["weekly_connection_limit", "weekly_message_limit"]
_PLAN = _FLAGS + _LIMITS
_LISTED_AS = {"name": "display_name", "unipile_account_id": "provider_account_id"}
_STAMPS = ["given_up_at", "refreshed_at", "live_checked_at"]


def convert_accounts(apps: Any, schema_editor: Any) -> None:
    """Part the time of the plan from the time of the answer, and read old live snapshots."""
    accounts = apps.get_model("unipile_accounts", "UnipileAccount").objects
    entries = apps.get_model("unipile_accounts", "AccountChange").objects
    of_plan = Q(field__in=_PLAN) | Q(changes__has_any_keys=_PLAN)
    # A login that was lost at the first answer has told no plan.
    never_told = Q(
        ~Q(status="connected"),
        ~Exists(entries.filter(of_plan, account_id=OuterRef("pk"))),
        is_premium=False,
        has_sales_navigator=False,
        weekly_connection_limit=80,
        weekly_message_limit=100,
        live_checked_at=None,
    )
    told_at = Case(When(never_told, then=None), default=F("refreshed_at"))
    last: UUID | None = _FIRST
    while last:
        with transaction.atomic():
            last = _convert_accounts_after(last, accounts, told_at)


def _convert_accounts_after(last: UUID, accounts: Any, told_at: Case) -> UUID | None:
    """Convert the next accounts, and return the last of them where more follow."""
    new_answer = Q(answered_at=None, refreshed_at__isnull=False) | Q(
        answered_at__lt=F("refreshed_at")
    )
    old_snapshot = Q(live_snapshot__contains="premiumFeatures")
    rest = accounts.filter(pk__gt=last).order_by("pk")
    end: UUID | None = rest.values_list("pk", flat=True)[_ACCOUNTS : _ACCOUNTS + 1].first()
    some = rest.filter(pk__lte=end) if end else rest
    locked = some.filter(new_answer | old_snapshot).select_for_update(no_key=True)
    rows = dict(locked.values_list("pk", "live_snapshot"))
    accounts.filter(new_answer, pk__in=rows).update(
        answered_at=F("refreshed_at"), refreshed_at=told_at, version=F("version") + 1
    )
    for pk, text in rows.items():
        if "premiumFeatures" in text:
            snapshot = _snapshot(text)
            accounts.filter(pk=pk).update(live_snapshot=snapshot, version=F("version") + 1)
    return end


def _snapshot(text: str) -> str:
    plan = json.loads(text)
    features = plan["premiumFeatures"]
    flags = {
        "has_sales_navigator": "sales_navigator" in features,
        "is_premium": bool(features or plan["premiumId"]),
    }
    return json.dumps(flags)


def part_members(apps: Any, schema_editor: Any) -> None:
    """Leave each member of an owner to one row. The next pass merges the others."""
    accounts = apps.get_model("unipile_accounts", "UnipileAccount").objects
    members = accounts.exclude(linkedin_id="").values("user_id", "linkedin_id")
    for member in list(members.annotate(rows=Count("pk")).filter(rows__gt=1)):
        rows = accounts.filter(user_id=member["user_id"], linkedin_id=member["linkedin_id"])
        kept = min(rows, key=lambda row: (row.given_up_at is not None, row.created_at, row.pk))
        rows.exclude(pk=kept.pk).update(linkedin_id="", version=F("version") + 1)


def convert_history(apps: Any, schema_editor: Any) -> None:
    """Make one entry of all columns that one write has changed. Newer entries are left alone."""
    entries = apps.get_model("unipile_accounts", "AccountChange").objects
    last: UUID | None = _FIRST
    while last:
        with transaction.atomic():
            last = _convert_history_after(last, entries)


def _convert_history_after(last: UUID, entries: Any) -> UUID | None:
    """Convert all entries of the next accounts, and return the last one where more follow."""
    old = entries.exclude(field="").filter(account_id__gt=last).order_by("account_id", "pk")
    end: UUID | None = old.values_list("account_id", flat=True)[_ENTRIES : _ENTRIES + 1].first()
    some = old.filter(account_id__lte=end) if end else old
    kept, superfluous = [], []
    for first, *others in _writes(some.select_for_update(no_key=True)):
        first.changes = _changes([first, *others])
        first.field = first.old = first.new = ""
        kept.append(first)
        superfluous += [entry.pk for entry in others]
    entries.filter(pk__in=superfluous).delete()
    entries.bulk_create(
        kept,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["changes", "field", "old", "new"],
    )
    return end


def _writes(entries: Iterable[Any]) -> Iterable[list[Any]]:
    """Group the entries of one account, moment, door and user."""
    writes: dict[Any, list[Any]] = defaultdict(list)
    times: Counter[Any] = Counter()
    for entry in entries:
        write = (entry.account_id, entry.changed_at, entry.door, entry.user_id)
        # Two rows that a pass changed may have become one.
        times[write, entry.field] += 1
        writes[write, times[write, entry.field]].append(entry)
    return writes.values()


def _changes(write: list[Any]) -> dict[str, list[Any]]:
    return {
        _LISTED_AS.get(each.field, each.field): [
            _value(each.field, each.old),
            _value(each.field, each.new),
        ]
        for each in write
    }


def _value(field: str, text: str) -> Any:
    if field in _FLAGS:
        return text == "True"
    if field in _LIMITS:
        return int(text)
    return None if field in _STAMPS and not text else text
