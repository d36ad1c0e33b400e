"""A pass over many accounts. A page is stored before the next one is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileAccountDisconnected,
    UnipileAccountNotListed,
    UnipileAuthenticationError,
    UnipileError,
)
from unipile_accounts.models import AnyUser, UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.linking.upkeep import Upkeep
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.deciding import as_stored, given_up
from unipile_accounts.services.refreshing.one import refresh_one
from unipile_accounts.services.refreshing.page_storing import store_page
from unipile_accounts.services.refreshing.pages import iter_pages
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.refreshing.unread import Unread, chunks
from unipile_accounts.services.refreshing.writing import note_failures
from unipile_accounts.unipile import PAGE_SIZE

# Above this share of the selection, missing accounts tell of another workspace.
MISSING_SHARE = 0.05
# Up to this many accounts are asked for one by one where that takes fewer requests.
ONE_BY_ONE = 20


class RefreshPass:
    """Re-reads accounts from Unipile. Iterate over it to learn how each one went.

    A page is stored and published before its accounts are yielded, so a later failure undoes
    nothing. An account of which Unipile says nothing keeps what is stored. `UnipileNotConfigured`
    and `UnipileAuthenticationError` stop the whole run. With `confirm_gone` accounts that are
    missing from Unipile's list are asked for however many they are. `live` asks LinkedIn about one
    account after the other. `upkeep` is for a pass over all accounts, which then finishes open
    claims, repeats deletes, and counts what no row knows. After `seconds` those that are left fail
    with `UnipileNotAsked`.
    """

    def __init__(
        self,
        accounts: UnipileAccountQuerySet,
        *,
        door: Door,
        user: AnyUser | None = None,
        dry_run: bool = False,
        confirm_gone: bool = False,
        live: bool = False,
        upkeep: bool = False,
        seconds: float | None = None,
    ) -> None:
        self._selection = accounts
        self._origin = Origin(door, user)
        self.patience = Patience(seconds=seconds)
        self._workspace = Workspace(is_confirmed=confirm_gone)
        self._dry_run = dry_run
        self._confirm_gone = confirm_gone
        self._live = live
        self._upkeep = Upkeep() if upkeep and not live and not dry_run else None
        # LinkedIn accounts at Unipile that no row knows, once they were counted.
        self.unknown: int | None = None

    def __iter__(self) -> Iterator[RefreshResult]:
        what = "The accounts that are left were not refreshed"
        try:
            with recording.failure_logged(what, door=self._origin.door.value):
                # A missing setting ends the run before anything is reported.
                _ = conf.unipile_dsn, conf.unipile_api_key
                self._unread = Unread(self._selection, live=self._live)
                for chunk in chunks(self._selection.given_up()):
                    yield from self._finished([given_up(row) for row in chunk])
                yield from self._refresh()
        except UnipileError as exc:
            if isinstance(exc, UnipileAuthenticationError):
                raise
            yield from self._fail_unread(exc)
        for chunk in self._unread.read_by_others():
            results = [as_stored(row, asked_at=self._unread.started) for row in chunk]
            yield from self._finished(results)

    def _refresh(self) -> Iterator[RefreshResult]:
        """Refresh the accounts, or raise why those that are left fail."""
        total, missing = self._unread.selection.count(), 0
        if not self._live and (self._upkeep or not _is_cheaper_one_by_one(total)):
            yield from self._read_list(total)
            # What was gone before, and is not listed now, need not be asked for.
            gone = UnipileAccountDisconnected("Unipile still does not list the account.")
            for chunk in self._unread.missing(status=UnipileAccount.Status.DISCONNECTED):
                yield from self._finished([RefreshResult(row, error=gone) for row in chunk])
            missing = 0 if self._confirm_gone else sum(map(len, self._unread.missing()))
        is_suspect = missing > max(1, MISSING_SHARE * total)
        if not is_suspect:
            yield from self._read_one_by_one()
        if self._upkeep and not self.patience.reason_to_end():
            self.unknown = self._upkeep.finish(self.patience, self._workspace)
        if is_suspect:
            raise UnipileAccountNotListed(f"Unipile does not list {missing} of {total} accounts.")

    def _read_list(self, total: int) -> Iterator[RefreshResult]:
        """Read Unipile's list until every account was in it, or to its end for the upkeep."""
        left = total
        for page in iter_pages(self.patience):
            read = []
            stored = store_page(page, self._unread, origin=self._origin, dry_run=self._dry_run)
            for results in stored:
                yield from self._finished(results)
                read += [result.account for result in results]
            if read:
                self._workspace.saw_ours()
            if self._upkeep:
                self._upkeep.look_at(page, read)
            left -= len(read)
            if left <= 0 and not self._upkeep:
                return

    def _read_one_by_one(self) -> Iterator[RefreshResult]:
        for account in chain.from_iterable(self._unread.chunks()):
            self.patience.check()
            try:
                result = refresh_one(
                    UnipileAccount.objects.all(),
                    account.pk,
                    patience=self.patience,
                    origin=self._origin,
                    live=self._live,
                    dry_run=self._dry_run,
                    workspace=self._workspace,
                )
            except UnipileAccount.DoesNotExist:
                continue
            if isinstance(result.error, UnipileAuthenticationError):
                raise result.error
            yield from self._finished([result])

    def _fail_unread(self, error: UnipileError) -> Iterator[RefreshResult]:
        for chunk in self._unread.chunks():
            # One entry of the log says it for all.
            results = [RefreshResult(row, error=error) for row in chunk]
            yield from self._finished(results, publish=recording.count)

    def _finished(
        self, results: list[RefreshResult], *, publish: Callable[..., None] = recording.publish
    ) -> list[RefreshResult]:
        """Finish with these rows before anybody who looks at them can break off."""
        self._unread.report(results, dry_run=self._dry_run)
        if not self._dry_run:
            publish(results, self._origin)
            note_failures(results)
        return results


# Doors call it like its sister, `refresh_account`.
refresh_accounts = RefreshPass


def _is_cheaper_one_by_one(total: int) -> bool:
    """Compare the numbers of requests. Unipile's list is taken to be as long as ours."""
    pages = math.ceil(UnipileAccount.objects.count() / PAGE_SIZE)
    return total <= min(pages, ONE_BY_ONE)
