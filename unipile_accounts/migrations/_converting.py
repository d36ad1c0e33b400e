"""Turn what older versions have written into what this one reads, in steps that can be repeated."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q

_ACCOUNTS, _ENTRIES = 5_000, 10_000
_PLAN = ["is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit"]
_LISTED_AS = {"name": "display_name", "unipile_account_id": "provider_account_id"}


def convert_accounts(apps: Any, schema_editor: Any) -> None:
    """Part the time of the plan from the time of the answer, and read old live snapshots."""
    accounts = apps.get_model("unipile_accounts", "UnipileAccount").objects
    changes = apps.get_model("unipile_accounts", "AccountChange").objects
    of_plan = changes.filter(account_id=OuterRef("pk")).filter(
        Q(field__in=_PLAN) | Q(changes__has_any_keys=_PLAN)
    )
    never_read = Q(
        ~Q(status="connected"),
        ~Exists(of_plan),
        refreshed_at=F("answered_at"),
        is_premium=False,
        has_sales_navigator=False,
        weekly_connection_limit=80,
        weekly_message_limit=100,
    )
    for some in _chunks(accounts):
        with transaction.atomic():
            some.filter(
                Q(answered_at=None) | Q(answered_at__lt=F("refreshed_at"))
            ).update(answered_at=F("refreshed_at"), version=F("version") + 1)
            # A login that was lost at the first answer has told no plan.
            some.filter(never_read).update(refreshed_at=None, version=F("version") + 1)
            for row in some.filter(live_snapshot__contains="premiumFeatures").only("live_snapshot"):
                some.filter(pk=row.pk).update(
                    live_snapshot=_snapshot(row.live_snapshot), version=F("version") + 1
                )


def _chunks(accounts: Any) -> Iterator[Any]:
    last = None
    while True:
        rest = accounts.order_by("pk") if last is None else accounts.filter(pk__gt=last)
        pks = list(rest.order_by("pk").values_list("pk", flat=True)[:_ACCOUNTS])
        if not pks:
            return
        yield accounts.filter(pk__gte=pks[0], pk__lte=pks[-1])
        last = pks[-1]


def _snapshot(text: str) -> str:
    plan = json.loads(text)
    features = plan["premiumFeatures"]
    flags = {
        "has_sales_navigator": "sales_navigator" in features,
        "is_premium": bool(features or plan.get("premiumId")),
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
    last = 0
    while chunk := list(
        entries.filter(pk__gt=last).exclude(field="").order_by("pk")[:_ENTRIES]
    ):
        if len(chunk) == _ENTRIES:
            # The rest of the last write may be in the next chunk.
            moment = chunk[-1].changed_at
            chunk = [entry for entry in chunk if entry.changed_at != moment] or chunk
        last = chunk[-1].pk
        writes: dict[Any, list[Any]] = defaultdict(list)
        for entry in chunk:
            key = (entry.account_id, entry.changed_at, entry.door, entry.user_id)
            writes[key].append(entry)
        with transaction.atomic():
            _join(entries, list(writes.values()))


def _join(entries: Any, writes: list[list[Any]]) -> None:
    kept = []
    for write in writes:
        first = write[0]
        first.changes = {
            _LISTED_AS.get(each.field, each.field): [
                _value(each.field, each.old),
                _value(each.field, each.new),
            ]
            for each in write
        }
        kept.append(first)
    superfluous = [entry.pk for write in writes for entry in write[1:]]
    entries.filter(pk__in=superfluous).delete()
    for first in kept:
        first.field = first.old = first.new = ""
    entries.bulk_create(
        kept,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["changes", "field", "old", "new"],
    )


def _value(field: str, text: str) -> Any:
    if field in _PLAN[:2]:
        return text == "True"
    if field in _PLAN[2:]:
        return int(text) if text.isdigit() else None
    return text
