"""Storing what a page of Unipile's list says, in one transaction."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError

from unipile_accounts.exceptions import AccountLocked
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Origin, RefreshResult
from unipile_accounts.services.linking.logins import store_new_member
from unipile_accounts.services.refreshing.deciding import given_up
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.services.refreshing.unread import Unread
from unipile_accounts.services.refreshing.writing import store_locked


class _Members(NamedTuple):
    """Rows that may get the member of their answer, and rows whose owner has it elsewhere."""

    new: set[UUID]
    elsewhere: list[UnipileAccount]


def store_page(page: Page, unread: Unread, *, origin: Origin, dry_run: bool) -> list[RefreshResult]:
    """Store what a page says of unread accounts, and return how each of them went.

    Rows that somebody else has locked stay unread.
    """
    failed = [
        RefreshResult(row, error=page.errors[row.unipile_account_id], asked_at=page.asked_at)
        for row in unread.among(page.errors)
    ]
    unread.asked(page.asked_at)
    store = partial(_store, page, unread, origin=origin, dry_run=dry_run)
    try:
        results, elsewhere = in_one_transaction(store)
    except IntegrityError:
        # Somebody was quicker with one of the members.
        results, elsewhere = in_one_transaction(partial(store, with_members=False))
    for row in elsewhere:
        verdict = page.verdicts[row.unipile_account_id]
        try:
            result = store_new_member(
                row, verdict, asked_at=page.asked_at, origin=origin, dry_run=dry_run
            )
        except AccountLocked as exc:
            result = RefreshResult(row, error=exc)
        results += [result] if result else []
    if len(results) < len(page.verdicts):
        unread.are_listed(page.verdicts)
    return failed + results


def _store(
    page: Page, unread: Unread, *, origin: Origin, dry_run: bool, with_members: bool = True
) -> tuple[list[RefreshResult], list[UnipileAccount]]:
    selected = unread.selection.filter(unipile_account_id__in=list(page.verdicts))
    locked = UnipileAccount.objects.select_for_update(no_key=True, skip_locked=True)
    rows = locked.with_database_time().filter(pk__in=selected.order_by().values("pk"))
    # Both are written, never compared, and times are slow to read.
    rows = rows.defer("updated_at", "last_tried_at").order_by("pk")
    known = [row for row in rows if not unread.was_read(row)]
    members = _members(known, page) if with_members else _Members(set(), [])
    results = store_locked(
        [row for row in known if not row.given_up_at and row not in members.elsewhere],
        page.verdicts,
        asked_at=page.asked_at,
        origin=origin,
        new_members=members.new,
        dry_run=dry_run,
    )
    return results + [given_up(row) for row in known if row.given_up_at], members.elsewhere


def _members(rows: list[UnipileAccount], page: Page) -> _Members:
    wanted = {
        row: (row.user_id, member)
        for row in rows
        if not row.linkedin_id and (member := page.verdicts[row.unipile_account_id].linkedin_id)
    }
    if not wanted:
        return _Members(set(), [])
    same = UnipileAccount.objects.filter(linkedin_id__in={member for _, member in wanted.values()})
    there = Counter(wanted.values())
    there.update(same.values_list("user_id", "linkedin_id"))
    new = {row.pk for row, member in wanted.items() if there[member] == 1}
    return _Members(new, [row for row in wanted if row.pk not in new])
