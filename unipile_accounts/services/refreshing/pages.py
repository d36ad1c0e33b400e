"""Unipile's list of accounts, page after page; the next is asked for while one is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import Any, NamedTuple

from unipile_accounts.exceptions import UnipileError, UnipileUnexpectedAnswer
from unipile_accounts.interrupts import result_of
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.payloads.fields import storable
from unipile_accounts.services.refreshing.ask import give_connection_back, seconds_until
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile.accounts import AccountPage, list_accounts

# A list that brings so many pages without a new account has no end.
PAGES_WITHOUT_NEWS = 8


class Page(NamedTuple):
    """What a page says, by Unipile id; an account that is unreadable does not spoil the others."""

    asked_at: datetime
    verdicts: dict[str, AccountVerdict]
    errors: dict[str, UnipileError]


class _Question(NamedTuple):
    cursor: str | None
    asked_at: datetime
    answer: Future[AccountPage]


def iter_pages(
    patience: Patience,
    *,
    begin: Callable[..., Future[AccountPage]],
    wants_ahead: Callable[[int], bool],
    wants_more: Callable[[], bool],
) -> Iterator[Page]:
    """Yield pages until Unipile's list ends or nobody wants more.

    `begin` calls a function in the background. `wants_ahead` is given the size of a page that is
    not stored yet, `wants_more` is asked when it is. Raises the `UnipileError` that ends the list.
    """

    def ask(cursor: str | None) -> _Question:
        asked_at = UnipileAccount.objects.database_time()
        timeout = seconds_until(patience.deadline())
        return _Question(cursor, asked_at, begin(list_accounts, cursor=cursor, timeout=timeout))

    news = _News()
    question: _Question | None = ask(None)
    while question:
        asked_at, page = _wait(question, patience, ask)
        cursor = page.cursor if news.goes_on(page) else None
        question = ask(cursor) if cursor and wants_ahead(len(page.items)) else None
        yield _read(page, asked_at)
        if cursor and not question and wants_more():
            question = ask(cursor)


def _wait(
    question: _Question, patience: Patience, ask: Callable[[str | None], _Question]
) -> tuple[datetime, AccountPage]:
    while True:
        give_connection_back()
        try:
            page = result_of(question.answer)
        except UnipileError as exc:
            if not patience.try_again(exc):
                raise
            question = ask(question.cursor)
        else:
            patience.try_again(None)
            return question.asked_at, page


class _News:
    """Notices a list that goes in circles."""

    def __init__(self) -> None:
        self._cursors: set[str | None] = {None}
        self._first_ids: set[Any] = set()
        self._without = 0

    def goes_on(self, page: AccountPage) -> bool:
        """Tell whether there is a next page; raise when the list has no end."""
        first = page.items[0].get("id") if page.items and isinstance(page.items[0], dict) else None
        is_new = isinstance(first, str) and first not in self._first_ids
        self._first_ids.add(first if is_new else None)
        self._without = 0 if is_new else self._without + 1
        if self._without >= PAGES_WITHOUT_NEWS:
            raise UnipileUnexpectedAnswer("Unipile's list of accounts does not end.")
        goes_on = page.cursor not in self._cursors
        self._cursors.add(page.cursor)
        return goes_on


def _read(page: AccountPage, asked_at: datetime) -> Page:
    verdicts: dict[str, AccountVerdict] = {}
    errors: dict[str, UnipileError] = {}
    for item in page.items:
        unipile_account_id = item.get("id") if isinstance(item, dict) else None
        # Skip ids that PostgreSQL cannot take as a parameter.
        if not isinstance(unipile_account_id, str) or storable(unipile_account_id) != (
            unipile_account_id
        ):
            continue
        try:
            verdict = read_account(item, unipile_account_id=unipile_account_id)
        except UnipileError as exc:
            errors[unipile_account_id] = exc
        else:
            verdicts[unipile_account_id] = verdict
    return Page(asked_at, verdicts, errors)
