"""Refreshing accounts: every door calls these two, and holds no rule of its own."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileAccountNotListed,
    UnipileAuthenticationError,
    UnipileError,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.account import read_account, storable
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services.asking import (
    AskedPage,
    Patience,
    ask,
    database_now,
    worth_another_try,
)
from unipile_accounts.services.interrupts import stop_if_wanted
from unipile_accounts.services.writing import Answer, disconnected, store
from unipile_accounts.signals import account_refreshed
from unipile_accounts.unipile import http as client

# Dashboards know this name; it is not that of the module.
logger = logging.getLogger("unipile_accounts.services")

# More accounts than this, and more than this share of the selection, cannot all have gone at once.
MISSING_ACCOUNTS = 20
MISSING_SHARE = 0.05


# --- One account ----------------------------------------------------------------------------------


def refresh_account(accounts: UnipileAccountQuerySet, pk: UUID, *, door: Door) -> RefreshResult:
    """Re-read one of these accounts from Unipile and store what it says.

    Raises `UnipileAccount.DoesNotExist` when it is not among them, and `UnipileNotConfigured` or a
    `UnipileError` when Unipile gives no verdict. Flags and limits stay as they are then; only an
    account that is gone or logged out gets its new `status`.
    """
    started = time.monotonic()
    try:
        result = _refresh_with_retry(accounts, pk)
    except Exception as exc:
        _log_attempt(exc, pk, door=door, milliseconds=_milliseconds_since(started))
        raise
    _log(logging.INFO, result, door=door, milliseconds=_milliseconds_since(started))
    _send(result, door=door)
    if result.error:
        raise result.error
    return result


def _refresh_with_retry(accounts: UnipileAccountQuerySet, pk: UUID) -> RefreshResult:
    deadline = time.monotonic() + conf.unipile_timeout
    result = _refresh_one(accounts, pk, deadline=deadline)
    pause = random.uniform(0.1, 0.4)  # noqa: S311  # spreads retries, guards nothing
    is_time_left = time.monotonic() + pause < deadline
    if result.error and worth_another_try(result.error) and is_time_left:
        time.sleep(pause)
        return _refresh_one(accounts, pk, deadline=deadline)
    return result


def _refresh_one(
    accounts: UnipileAccountQuerySet, pk: UUID, *, deadline: float, dry_run: bool = False
) -> RefreshResult:
    account = accounts.with_asked_at().get(pk=pk)
    if account.status == UnipileAccount.Status.DISCONNECTED:
        return RefreshResult(account, error=disconnected(account))
    answer = ask(account, deadline=deadline)
    answers = {account.unipile_account_id: answer}
    results = store(answers, [account], asked_at=account.asked_at, dry_run=dry_run)
    if not results:
        # Deleted meanwhile, or connected anew under another Unipile id: that is another question.
        return _refresh_one(accounts, pk, deadline=deadline, dry_run=dry_run)
    return results[0]


# --- Many accounts --------------------------------------------------------------------------------


def refresh_accounts(
    accounts: UnipileAccountQuerySet,
    *,
    door: Door,
    dry_run: bool = False,
    confirm_gone: bool = False,
    seconds: float | None = None,
) -> Iterator[RefreshResult]:
    """Re-read these accounts from Unipile, 250 a request, and yield how each one went.

    A page is stored before the next one is looked at, so a later failure undoes nothing, and an
    account of which Unipile says nothing keeps what is stored. Raises `UnipileNotConfigured` or
    `UnipileAuthenticationError` to stop the whole run. With `confirm_gone` accounts that are
    missing from Unipile's list are asked for however many they are; after `seconds` those that
    are left are reported as failed.

    An account that somebody else refreshed during the run and that Unipile did not list is up to
    date, and not reported.
    """
    _ = conf.unipile_dsn, conf.unipile_api_key
    bulk = _BulkRefresh(accounts, dry_run=dry_run, patience=Patience(seconds))
    for result in bulk.run(confirm_gone=confirm_gone):
        if not dry_run:
            is_news = result.changes or result.error
            _log(logging.INFO if is_news else logging.DEBUG, result, door=door)
            _send(result, door=door)
        yield result


class _BulkRefresh:
    """One run over a selection. What it knows does not grow with the number of accounts.

    Which rows were read is told by their `refreshed_at`; only those that were reported without a
    write are remembered.
    """

    def __init__(
        self, accounts: UnipileAccountQuerySet, *, dry_run: bool, patience: Patience
    ) -> None:
        self._selection = accounts
        self._dry_run = dry_run
        self._patience = patience
        self._started = database_now()
        self._asked_at: set[datetime] = set()
        self._reported: set[UUID] = set()

    def run(self, *, confirm_gone: bool) -> Iterator[RefreshResult]:
        for account in _by_pk(self._selection.disconnected()):
            yield RefreshResult(account, error=disconnected(account))
        total = self._selection.readable().count()
        if not _is_cheaper_one_by_one(total):
            try:
                yield from self._read_list(total)
            except UnipileAuthenticationError:
                raise
            except UnipileError as exc:
                yield from self._fail_unread(exc)
                return
            missing = sum(1 for _ in self._unread())
            if missing > max(MISSING_ACCOUNTS, MISSING_SHARE * total) and not confirm_gone:
                yield from self._fail_unread(_not_listed(missing, total))
                return
        yield from self._read_one_by_one()

    def _read_list(self, total: int) -> Iterator[RefreshResult]:
        """Read Unipile's list until its end or until every account was in it."""
        asked: AskedPage | None = self._ask_page(None)
        cursors: set[str | None] = {None}
        while asked:
            asked_at, page = self._wait_for_page(asked)
            is_more = page.cursor is not None and page.cursor not in cursors
            cursors.add(page.cursor)
            # Unipile makes up the next page while this one is stored, unless this one may hold all
            # that are left.
            asked = self._ask_page(page.cursor) if is_more and total > len(page.items) else None
            for result in self._store_page(page.items, asked_at):
                total -= 1
                yield self._report(result)
            if is_more and total > 0 and not asked:
                asked = self._ask_page(page.cursor)

    def _ask_page(self, cursor: str | None) -> AskedPage:
        return AskedPage(cursor, asked_at=database_now(), timeout=self._patience.timeout())

    def _wait_for_page(self, asked: AskedPage) -> tuple[datetime, client.AccountPage]:
        while True:
            try:
                page = asked.wait()
            except UnipileError as exc:
                if not self._patience.wait(exc):
                    raise
                asked = self._ask_page(asked.cursor)
            else:
                self._patience.wait(None)
                return asked.asked_at, page

    def _store_page(self, items: list[Any], asked_at: datetime) -> list[RefreshResult]:
        answers = _answers(items)
        rows = self._selection.readable().filter(unipile_account_id__in=answers).order_by("pk")
        unread = [row for row in rows if not self._was_read(row)]
        self._asked_at.add(asked_at)
        return store(answers, unread, asked_at=asked_at, dry_run=self._dry_run)

    def _was_read(self, row: UnipileAccount) -> bool:
        """An account that moves to a later page while the list is read comes twice."""
        return row.refreshed_at in self._asked_at or row.pk in self._reported

    def _read_one_by_one(self) -> Iterator[RefreshResult]:
        for account in self._unread():
            if self._patience.is_over:
                yield from self._fail_unread(self._patience.reason())
                return
            try:
                yield self._report(self._read_one(account))
            except UnipileAccount.DoesNotExist:
                continue

    def _read_one(self, account: UnipileAccount) -> RefreshResult:
        while True:
            result = _refresh_one(
                UnipileAccount.objects.all(),
                account.pk,
                deadline=time.monotonic() + self._patience.timeout(),
                dry_run=self._dry_run,
            )
            if isinstance(result.error, UnipileAuthenticationError):
                raise result.error
            if not self._patience.wait(result.error):
                return result

    def _unread(self) -> Iterator[UnipileAccount]:
        """Iterate over the rows that no answer was stored for and none was reported for."""
        unread = Q(refreshed_at=None) | Q(refreshed_at__lt=self._started)
        for account in _by_pk(self._selection.readable().filter(unread)):
            if account.pk not in self._reported:
                yield account

    def _fail_unread(self, error: UnipileError) -> Iterator[RefreshResult]:
        for account in self._unread():
            yield RefreshResult(account, error=error)

    def _report(self, result: RefreshResult) -> RefreshResult:
        if self._dry_run or not result.stored:
            self._reported.add(result.account.pk)
        return result


def _is_cheaper_one_by_one(total: int) -> bool:
    """Compare in requests; Unipile's list is taken to be about as long as ours.

    Never for more accounts than may be missing, for the list is what tells a wrong workspace.
    """
    pages = math.ceil(UnipileAccount.objects.count() / client.PAGE_SIZE)
    return total <= min(pages, MISSING_ACCOUNTS)


def _by_pk(accounts: UnipileAccountQuerySet) -> Iterator[UnipileAccount]:
    """Iterate in steps, so that neither memory nor a cursor is held while Unipile is asked."""
    chunk = list(accounts.order_by("pk")[: client.PAGE_SIZE])
    while chunk:
        yield from chunk
        stop_if_wanted()
        chunk = list(accounts.filter(pk__gt=chunk[-1].pk).order_by("pk")[: client.PAGE_SIZE])


def _answers(items: list[Any]) -> dict[str, Answer]:
    """Read a page's accounts; one that is unreadable does not spoil the others."""
    answers: dict[str, Answer] = {}
    for item in items:
        unipile_account_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(unipile_account_id, str):
            continue
        # No row has an id that the database could not even be asked for.
        if storable(unipile_account_id) != unipile_account_id:
            continue
        try:
            answers[unipile_account_id] = read_account(item, unipile_account_id=unipile_account_id)
        except UnipileError as exc:
            answers[unipile_account_id] = exc
    return answers


def _not_listed(missing: int, total: int) -> UnipileAccountNotListed:
    return UnipileAccountNotListed(f"Unipile does not list {missing} of {total} accounts.")


# --- What every refresh leaves behind -------------------------------------------------------------


def _log(level: int, result: RefreshResult, *, door: Door, **extra: Any) -> None:
    if not logger.isEnabledFor(level):
        return
    logger.log(
        level,
        "Account %s %s%s",
        result.account.pk,
        result.outcome,
        f": {result.error}" if result.error else "",
        extra={
            "door": door.value,
            "account": str(result.account.pk),
            "outcome": result.outcome,
            "code": result.error.code if result.error else None,
            "changed": sorted(result.changes),
            **extra,
        },
    )


def _log_attempt(error: Exception, pk: UUID, *, door: Door, milliseconds: int) -> None:
    """Leave an entry of a refresh that found no row, no settings or no database."""
    code = getattr(error, "code", "")
    if isinstance(error, UnipileAccount.DoesNotExist):
        code = "not_found"
    logger.info(
        "Account %s failed: %s",
        pk,
        code or type(error).__name__,
        extra={
            "door": door.value,
            "account": str(pk),
            "outcome": "failed",
            "code": code or type(error).__name__,
            "changed": [],
            "milliseconds": milliseconds,
        },
    )


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _send(result: RefreshResult, *, door: Door) -> None:
    if result.stored:
        account_refreshed.send_robust(
            sender=UnipileAccount, account=result.account, changes=result.changes, door=door
        )
