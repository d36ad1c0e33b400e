"""Many accounts: read Unipile's list, 250 a request, and store each page before the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from unipile_accounts import interrupts
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileAccountDisconnected,
    UnipileAccountNotListed,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace, in_background
from unipile_accounts.services.refreshing.one import refresh_one
from unipile_accounts.services.refreshing.page_storing import store_page
from unipile_accounts.services.refreshing.pages import iter_pages
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.refreshing.unread import Unread, chunks
from unipile_accounts.services.refreshing.writing import given_up, note_failures
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
        Origin(door, user),
        Patience(seconds),
        dry_run=dry_run,
        confirm_gone=confirm_gone,
        live=live,
    )


@dataclass
class RefreshPass:
    """One run over a selection; `requests` counts what Unipile was asked."""

    selection: UnipileAccountQuerySet
    origin: Origin
    patience: Patience
    dry_run: bool
    confirm_gone: bool
    live: bool
    requests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._workspace = Workspace(is_confirmed=self.confirm_gone)

    def __iter__(self) -> Iterator[RefreshResult]:
        try:
            _ = conf.unipile_dsn, conf.unipile_api_key
            self._unread = Unread(self.selection)
            for chunk in chunks(self.selection.given_up()):
                yield from self._told([RefreshResult(row, error=given_up(row)) for row in chunk])
            yield from self._refresh()
        except (UnipileAuthenticationError, UnipileNotConfigured) as exc:
            recording.log_cause(exc, self.origin)
            raise

    def _refresh(self) -> Iterator[RefreshResult]:
        total = self._unread.selection.count()
        if not self.live and not _is_cheaper_one_by_one(total):
            try:
                yield from self._read_list(total)
            except UnipileAuthenticationError:
                raise
            except UnipileError as exc:
                yield from self._fail_unread(exc)
                return
            # What was gone before, and is not listed now, need not be asked for.
            gone = UnipileAccountDisconnected("Unipile still does not list the account.")
            for chunk in self._unread.chunks(status=UnipileAccount.Status.DISCONNECTED):
                yield from self._told([RefreshResult(row, error=gone) for row in chunk])
            missing = sum(len(chunk) for chunk in self._unread.chunks())
            if missing > max(1, MISSING_SHARE * total) and not self.confirm_gone:
                reason = f"Unipile does not list {missing} of {total} accounts."
                yield from self._fail_unread(UnipileAccountNotListed(reason))
                return
        yield from self._read_one_by_one()

    def _read_list(self, total: int) -> Iterator[RefreshResult]:
        """Read Unipile's list until its end, or until every account was in it."""
        self._left = total
        pages = iter_pages(
            self.patience,
            begin=self._begin,
            # This page may hold all that are left.
            wants_ahead=lambda size: self._left > size,
            wants_more=lambda: any(self._unread.chunks()),
        )
        for page in pages:
            results = store_page(page, self._unread, origin=self.origin, dry_run=self.dry_run)
            self._left -= len(results)
            if results:
                self._workspace.saw_ours()
            yield from self._told(results)

    def _read_one_by_one(self) -> Iterator[RefreshResult]:
        for chunk in self._unread.chunks():
            for account in chunk:
                if reason := self.patience.reason_to_end():
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
                    deadline=self.patience.deadline(),
                    origin=self.origin,
                    live=self.live,
                    dry_run=self.dry_run,
                    workspace=self._workspace,
                    call=self._call,
                )
            except UnipileAuthenticationError:
                raise
            except UnipileError as exc:
                if not self.patience.try_again(exc):
                    return RefreshResult(account, error=exc)
            else:
                self.patience.try_again(None)
                return result

    def _fail_unread(self, error: UnipileError) -> Iterator[RefreshResult]:
        recording.log_cause(error, self.origin)
        for chunk in self._unread.chunks():
            results = [RefreshResult(row, error=error) for row in chunk]
            if not self.dry_run:
                note_failures(results)
                recording.count(results, self.origin)
            yield from results

    def _told(self, results: list[RefreshResult]) -> list[RefreshResult]:
        """Finish with these rows before anybody who looks at them can break off."""
        self._unread.report(results, dry_run=self.dry_run)
        if not self.dry_run:
            note_failures(results)
            recording.tell(results, self.origin)
        return results

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
