"""Unipile's list of accounts, page after page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, is_linkedin, listed_id, read_account
from unipile_accounts.services.refreshing.ask import with_plan
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile import AccountPage, begin_list


class Page(NamedTuple):
    """What a page says, by Unipile id. An account that is unreadable does not spoil the others.

    `members` has every LinkedIn account of the page, with its member where that is known.
    """

    asked_at: datetime
    answers: dict[str, AccountVerdict | UnipileError]
    members: dict[str, str | None]


def iter_pages(patience: Patience) -> Iterator[Page]:
    """Yield the pages, and ask for the next one while the caller stores one.

    Raises the `UnipileError` that ends the list.
    """
    cursor: str | None = None
    cursors = {cursor}
    patience.check()
    question = _ask(cursor, patience)
    while True:
        asked_at, answer = question
        give_connection_back()
        try:
            page: AccountPage = answer.wait()
        except UnipileError as exc:
            if not patience.try_again(exc):
                raise
            question = _ask(cursor, patience)
            continue
        patience.succeeded()
        # A list that goes in circles has ended.
        is_last = not page.items or page.cursor in cursors
        cursor = page.cursor
        cursors.add(cursor)
        if not is_last and not patience.reason_to_end():
            question = _ask(cursor, patience)
        yield _read(page, asked_at)
        if is_last:
            return
        patience.check()


def _ask(cursor: str | None, patience: Patience) -> tuple[datetime, Any]:
    patience.begin()
    asked_at = UnipileAccount.objects.database_time()
    return asked_at, begin_list(cursor=cursor, timeout=patience.timeout())


def _read(page: AccountPage, asked_at: datetime) -> Page:
    read = Page(asked_at, {}, {})
    for item in page.items:
        unipile_account_id = listed_id(item)
        if unipile_account_id is None:
            continue
        try:
            verdict = read_account(item, unipile_account_id=unipile_account_id)
            read.members[unipile_account_id] = verdict.linkedin_id
            read.answers[unipile_account_id] = with_plan(verdict, unipile_account_id)
        except UnipileError as exc:
            read.answers[unipile_account_id] = exc
            if is_linkedin(item):
                read.members.setdefault(unipile_account_id, None)
    return read
