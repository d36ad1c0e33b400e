"""Storing what a page of Unipile's list says, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db import IntegrityError

from unipile_accounts.exceptions import AccountLocked, UnipileError
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Origin, RefreshResult
from unipile_accounts.services.linking.logins import store_new_member
from unipile_accounts.services.refreshing.deciding import as_stored, decide, given_up, is_outdated
from unipile_accounts.services.refreshing.locking import patiently
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.services.refreshing.unread import Unread
from unipile_accounts.services.refreshing.writing import write_page

# A row, and what an answer says of it.
Answered = tuple[UnipileAccount, AccountVerdict]


def store_page(
    page: Page, unread: Unread, *, origin: Origin, dry_run: bool
) -> Iterator[list[RefreshResult]]:
    """Store what a page says of unread accounts, and yield how they went as soon as they are.

    Rows that somebody else has locked stay unread.
    """
    unread.asked(page)
    store = partial(_store, page, unread, origin=origin, dry_run=dry_run)
    try:
        results, elsewhere = patiently(store)
    except (IntegrityError, AccountLocked):
        # Somebody was quicker with one of the members.
        results, elsewhere = patiently(partial(store, with_members=False))
    yield results
    read = len(results)
    for row, verdict in elsewhere:
        try:
            result = store_new_member(
                row, verdict, asked_at=page.asked_at, origin=origin, dry_run=dry_run
            )
        except AccountLocked as exc:
            result = RefreshResult(row, error=exc)
        if result:
            yield [result]
            read += 1
    unread.listed(page, read=read)


def _store(
    page: Page, unread: Unread, *, origin: Origin, dry_run: bool, with_members: bool = True
) -> tuple[list[RefreshResult], list[Answered]]:
    """Return the results, and the answers that are left to the rule of logins."""
    results: list[RefreshResult] = []
    answered: list[Answered] = []
    for row in _lock(page, unread):
        # A reconnect may just have given the row another id.
        answer = page.answers.get(row.unipile_account_id)
        if answer is None or unread.was_read(row):
            continue
        if row.given_up_at:
            results.append(given_up(row))
        elif isinstance(answer, UnipileError):
            results.append(RefreshResult(row, error=answer, asked_at=page.asked_at))
        elif is_outdated(row, asked_at=page.asked_at):
            results.append(as_stored(row, asked_at=page.asked_at))
        else:
            answered.append((row, answer))
    elsewhere = _with_member_elsewhere(answered) if with_members else set()
    decided = [
        (row, decide(row, verdict, asked_at=page.asked_at, with_member=with_members))
        for row, verdict in answered
        if row.pk not in elsewhere
    ]
    results += [decision.result(row) for row, decision in decided]
    if not dry_run:
        write_page(decided, origin)
    return results, [each for each in answered if each[0].pk in elsewhere]


def _lock(page: Page, unread: Unread) -> UnipileAccountQuerySet:
    """Return the selected rows of a page, without those that somebody else has locked."""
    selected = unread.selection.filter(unipile_account_id__in=list(page.answers))
    locked = UnipileAccount.objects.select_for_update(no_key=True, skip_locked=True)
    # Times that are not compared are slow to read.
    times = ("created_at", "updated_at", "refreshed_at", "last_tried_at")
    return locked.filter(pk__in=selected.order_by().values("pk")).defer(*times).order_by("pk")


def _with_member_elsewhere(answered: list[Answered]) -> set[UUID]:
    """Return the rows with a new member whom another row of the owner has."""
    wanted = {
        row.pk: (row.user_id, verdict.linkedin_id)
        for row, verdict in answered
        if verdict.linkedin_id and not row.linkedin_id
    }
    if not wanted:
        return set()
    same = UnipileAccount.objects.filter(linkedin_id__in={member for _, member in wanted.values()})
    there = Counter(wanted.values())
    there.update(same.values_list("user_id", "linkedin_id"))
    return {pk for pk, login in wanted.items() if there[login] > 1}
