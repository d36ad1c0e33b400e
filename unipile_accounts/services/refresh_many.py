"""Many accounts: read Unipile's list, 250 a request, and store each page before the next."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileAccountDisconnected,
    UnipileAccountNotListed,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services import interrupts, recording
from unipile_accounts.services.asking import Workspace, in_background
from unipile_accounts.services.pages import Page, iter_pages
from unipile_accounts.services.patience import Patience
from unipile_accounts.services.refresh import refresh_one
from unipile_accounts.services.writing import given_up, note_failure, store
from unipile_accounts.unipile.accounts import PAGE_SIZE

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_T = TypeVar("_T")

# Above this share of the selection, missing accounts tell of another workspace.
MISSING_SHARE = 0.05
# Up to this many accounts are asked for one by one where that takes fewer requests.
ONE_BY_ONE = 20


def refresh_accounts(
    accounts: UnipileAccountQuerySet,
    *,
    door: Door,
    user: AbstractBaseUser | AnonymousUser | None = None,
    dry_run: bool = False,
    confirm_gone: bool = False,
    live: bool = False,
    seconds: float | None = None,
) -> RefreshPass:
    """Re-read these accounts from Unipile, and iterate over how each one went.

    A page is stored, logged and told before its accounts are yielded, so a later failure undoes
    nothing. An account of which Unipile says nothing keeps what is stored. `UnipileNotConfigured`
    and `UnipileAuthenticationError` stop the whole run. With `confirm_gone` accounts that are
    missing from Unipile's list are asked for however many they are. `live` asks LinkedIn about one
    account after the other. After `seconds` those that are left fail with `UnipileNotAsked`.
    """
    return RefreshPass(
        accounts,
        origin=Origin(door, user),
        dry_run=dry_run,
        confirm_gone=confirm_gone,
        live=live,
        patience=Patience(seconds),
    )


class RefreshPass:
    """One run over a selection. What it knows does not grow with the number of accounts.

    Which rows were read is told by their `refreshed_at`; only those that were reported without a
    write are remembered.
    """

    def __init__(
        self,
        accounts: UnipileAccountQuerySet,
        *,
        origin: Origin,
        dry_run: bool,
        confirm_gone: bool,
        live: bool,
        patience: Patience,
    ) -> None:
        self.requests = 0
        self._selection = accounts
        self._origin = origin
        self._dry_run = dry_run
        self._confirm_gone = confirm_gone
        self._live = live
        self._patience = patience
        self._workspace = Workspace(is_confirmed=confirm_gone)
        self._asked_at: set[datetime] = set()
        self._reported: set[UUID] = set()
        self._results = self._run()

    def __iter__(self) -> Iterator[RefreshResult]:
        return self._results

    def _run(self) -> Iterator[RefreshResult]:
        try:
            _ = conf.unipile_dsn, conf.unipile_api_key
            self._started = UnipileAccount.objects.database_time()
            yield from self._skip_given_up()
            yield from self._refresh()
        except (UnipileAuthenticationError, UnipileNotConfigured) as exc:
            recording.log_cause(exc, self._origin)
            raise

    def _skip_given_up(self) -> Iterator[RefreshResult]:
        for chunk in _chunks(self._selection.given_up()):
            yield from self._told([RefreshResult(row, error=given_up(row)) for row in chunk])

    def _refresh(self) -> Iterator[RefreshResult]:
        total = self._selection.readable().count()
        if not self._live and not _is_cheaper_one_by_one(total):
            try:
                yield from self._read_list(total)
            except UnipileAuthenticationError:
                raise
            except UnipileError as exc:
                yield from self._fail_unread(exc)
                return
            yield from self._skip_still_gone()
            missing = sum(len(chunk) for chunk in self._unread(self._selection))
            if missing > max(1, MISSING_SHARE * total) and not self._confirm_gone:
                yield from self._fail_unread(_not_listed(missing, total))
                return
        yield from self._read_one_by_one()

    # --- Unipile's list ---------------------------------------------------------------------------

    def _read_list(self, total: int) -> Iterator[RefreshResult]:
        """Read Unipile's list until its end, or until every account was in it."""
        self._left = total
        pages = iter_pages(
            self._patience,
            begin=self._begin,
            # This page may hold all that are left.
            wants_ahead=lambda size: self._left > size,
            wants_more=lambda: any(self._unread(self._selection)),
        )
        for page in pages:
            results = self._store_page(page)
            self._left -= len(results)
            if results:
                self._workspace.saw_ours()
            yield from self._told(results)

    def _store_page(self, page: Page) -> list[RefreshResult]:
        listed = self._selection.readable()
        failed = [
            RefreshResult(row, error=page.errors[row.unipile_account_id])
            for row in listed.filter(unipile_account_id__in=list(page.errors))
            if not self._was_read(row)
        ]
        self._asked_at.add(page.asked_at)
        try:
            return failed + self._store(page)
        except OperationalError:
            # Somebody holds a row for long. The others of its page are stored without it.
            connection.close()
            results = self._store(page, skip_locked=True)
        done = {result.account.pk for result in results}
        locked = listed.filter(unipile_account_id__in=list(page.verdicts)).exclude(pk__in=done)
        unread = [row for row in locked if not self._was_read(row)]
        return failed + results + [RefreshResult(row, error=_locked(row)) for row in unread]

    def _store(self, page: Page, *, skip_locked: bool = False) -> list[RefreshResult]:
        ids = list(page.verdicts)
        selected = self._selection.readable().filter(unipile_account_id__in=ids)
        return store(
            page.verdicts,
            UnipileAccount.objects.filter(pk__in=selected.order_by().values("pk")),
            asked_at=page.asked_at,
            origin=self._origin,
            dry_run=self._dry_run,
            skip=self._was_read,
            skip_locked=skip_locked,
        )

    def _was_read(self, row: UnipileAccount) -> bool:
        """An account that moves to a later page while the list is read comes twice."""
        return row.refreshed_at in self._asked_at or row.pk in self._reported

    # --- The rest ---------------------------------------------------------------------------------

    def _skip_still_gone(self) -> Iterator[RefreshResult]:
        """Leave out what was gone before and is not listed now, without asking for each."""
        gone = self._selection.filter(status=UnipileAccount.Status.DISCONNECTED)
        for chunk in self._unread(gone):
            yield from self._told([RefreshResult(row, error=_still_gone(row)) for row in chunk])

    def _read_one_by_one(self) -> Iterator[RefreshResult]:
        for chunk in self._unread(self._selection):
            for account in chunk:
                if reason := self._patience.reason_to_end():
                    yield from self._fail_unread(reason)
                    return
                try:
                    result = self._read_one(account)
                except UnipileAccount.DoesNotExist:
                    continue
                yield from self._told([result])

    def _read_one(self, account: UnipileAccount) -> RefreshResult:
        while True:
            try:
                result = refresh_one(
                    UnipileAccount.objects.all(),
                    account.pk,
                    deadline=self._patience.deadline(),
                    origin=self._origin,
                    live=self._live,
                    dry_run=self._dry_run,
                    workspace=self._workspace,
                    call=self._call,
                )
            except UnipileAuthenticationError:
                raise
            except UnipileError as exc:
                if not self._patience.try_again(exc):
                    return RefreshResult(account, error=exc)
            except OperationalError:
                connection.close()
                # Raises in its turn when it is the whole database that does not answer.
                UnipileAccount.objects.database_time()
                return RefreshResult(account, error=_locked(account))
            else:
                self._patience.try_again(None)
                return result

    def _unread(self, accounts: UnipileAccountQuerySet) -> Iterator[list[UnipileAccount]]:
        """Iterate over the rows that no answer was stored for and none was reported for."""
        for chunk in _chunks(accounts.readable().not_refreshed_since(self._started)):
            unread = [row for row in chunk if row.pk not in self._reported]
            if unread:
                yield unread

    def _fail_unread(self, error: UnipileError) -> Iterator[RefreshResult]:
        recording.log_cause(error, self._origin)
        for chunk in self._unread(self._selection):
            results = [RefreshResult(row, error=error) for row in chunk]
            self._note_failures(results)
            yield from results

    # --- What is left behind ----------------------------------------------------------------------

    def _told(self, results: list[RefreshResult]) -> list[RefreshResult]:
        """Finish with these rows before anybody who looks at them can break off."""
        self._reported.update(
            result.account.pk for result in results if self._dry_run or not result.stored
        )
        if not self._dry_run:
            self._note_failures(results)
            recording.tell(results, self._origin)
        return results

    def _note_failures(self, results: list[RefreshResult]) -> None:
        codes = defaultdict(list)
        for result in results:
            if result.error and not result.stored and result.outcome == "failed":
                codes[result.error.code].append(result.account.pk)
        for code, pks in codes.items():
            if not self._dry_run and code != AccountLocked.code:
                note_failure(pks, code)

    def _call(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        return interrupts.result_of(self._begin(function, *args, **kwargs))

    def _begin(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> Future[_T]:
        interrupts.check()
        self.requests += 1
        return in_background(function, *args, **kwargs)


def _is_cheaper_one_by_one(total: int) -> bool:
    """Compare in requests; Unipile's list is taken to be about as long as ours."""
    pages = math.ceil(UnipileAccount.objects.count() / PAGE_SIZE)
    return total <= min(pages, ONE_BY_ONE)


def _chunks(accounts: UnipileAccountQuerySet) -> Iterator[list[UnipileAccount]]:
    """Iterate in steps, so that neither memory nor a cursor is held while Unipile is asked."""
    chunk = list(accounts.order_by("pk")[:PAGE_SIZE])
    while chunk:
        yield chunk
        interrupts.check()
        chunk = list(accounts.filter(pk__gt=chunk[-1].pk).order_by("pk")[:PAGE_SIZE])


def _not_listed(missing: int, total: int) -> UnipileAccountNotListed:
    return UnipileAccountNotListed(f"Unipile does not list {missing} of {total} accounts.")


def _still_gone(account: UnipileAccount) -> UnipileAccountDisconnected:
    return UnipileAccountDisconnected(f"Account {account.pk} is still not at Unipile.")


def _locked(account: UnipileAccount) -> AccountLocked:
    return AccountLocked(f"Account {account.pk} is locked in the database.")
