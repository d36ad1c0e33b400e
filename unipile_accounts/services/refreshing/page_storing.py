"""Storing what a page of Unipile's list says, in one transaction."""

from __future__ import annotations

from collections import Counter
from functools import partial

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


def store_page(page: Page, unread: Unread, *, origin: Origin, dry_run: bool) -> list[RefreshResult]:
    """Store what a page says of unread accounts, and return how each of them went.

    Rows that somebody else has locked stay unread.
    """
    store = partial(_store, page, unread, origin=origin, dry_run=dry_run)
    try:
        results, elsewhere = in_one_transaction(store)
    except (IntegrityError, AccountLocked):
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
    unread.asked(page, results)
    return results


def _store(
    page: Page, unread: Unread, *, origin: Origin, dry_run: bool, with_members: bool = True
) -> tuple[list[RefreshResult], list[UnipileAccount]]:
    """Return the results, and the rows that are left to the rule of logins."""
    selected = unread.selection.filter(unipile_account_id__in=page.ids)
    locked = UnipileAccount.objects.select_for_update(no_key=True, skip_locked=True)
    # Times that are not compared are slow to read.
    times = ("created_at", "updated_at", "refreshed_at", "last_tried_at")
    rows = locked.filter(pk__in=selected.order_by().values("pk")).defer(*times).order_by("pk")
    results, answered = [], []
    for row in rows:
        if unread.was_read(row):
            continue
        if row.given_up_at:
            results.append(given_up(row))
        elif error := page.errors.get(row.unipile_account_id):
            results.append(RefreshResult(row, error=error, asked_at=page.asked_at))
        # A row that somebody moved while it was looked for is left alone.
        elif row.unipile_account_id in page.verdicts:
            answered.append(row)
    elsewhere = _with_member_elsewhere(answered, page) if with_members else []
    results += store_locked(
        [row for row in answered if row not in elsewhere],
        page.verdicts,
        asked_at=page.asked_at,
        origin=origin,
        with_members=with_members,
        dry_run=dry_run,
    )
    return results, elsewhere


def _with_member_elsewhere(rows: list[UnipileAccount], page: Page) -> list[UnipileAccount]:
    """Return the rows without a member whose owner has it in another row."""
    wanted = {
        row: (row.user_id, member)
        for row in rows
        if not row.linkedin_id and (member := page.verdicts[row.unipile_account_id].linkedin_id)
    }
    if not wanted:
        return []
    same = UnipileAccount.objects.filter(linkedin_id__in={member for _, member in wanted.values()})
    there = Counter(wanted.values())
    there.update(same.values_list("user_id", "linkedin_id"))
    return [row for row in wanted if there[wanted[row]] > 1]
