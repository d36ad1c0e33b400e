"""Which accounts of a pass are still to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from unipile_accounts import interrupts
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import RefreshResult
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.unipile import PAGE_SIZE


class Unread:
    """The accounts of a selection that nothing was said about yet.

    Its memory does not grow with Unipile's list. A row that was stored from a page shows it by its
    `answered_at`, and only the others that were reported are kept. For a `live` pass no other
    answer counts.
    """

    def __init__(self, selection: UnipileAccountQuerySet, *, live: bool) -> None:
        self.selection = selection.readable()
        self.started = UnipileAccount.objects.database_time()
        unread = self.selection.not_answered_since(self.started)
        self._unread = self.selection if live else unread
        self._asked_at: set[datetime] = set()
        self._reported: set[UUID] = set()
        self._listed: set[UUID] = set()

    def chunks(self, *, status: str | None = None) -> Iterator[list[UnipileAccount]]:
        for chunk in chunks(self._unread.filter(status=status) if status else self._unread):
            yield [row for row in chunk if not self.was_read(row)]

    def missing(self, *, status: str | None = None) -> Iterator[list[UnipileAccount]]:
        """Iterate over accounts that were on no page."""
        for chunk in self.chunks(status=status):
            yield [row for row in chunk if row.pk not in self._listed]

    def read_by_others(self) -> Iterator[list[UnipileAccount]]:
        """Iterate over accounts that other doors have read since, so that nobody is left out."""
        read = self.selection.filter(answered_at__gte=self.started)
        for chunk in chunks(read.exclude(answered_at__in=self._asked_at)):
            yield [row for row in chunk if row.pk not in self._reported]

    def was_read(self, row: UnipileAccount) -> bool:
        """An account that moves to a later page while the list is read comes twice."""
        return row.answered_at in self._asked_at or row.pk in self._reported

    def asked(self, page: Page) -> None:
        """Remember a page, by which rows show that they were stored from it."""
        self._asked_at.add(page.asked_at)

    def listed(self, page: Page, *, read: int) -> None:
        """Remember which accounts of a page are unread because somebody has locked them."""
        if read < len(page.answers):
            listed = self.selection.filter(unipile_account_id__in=list(page.answers))
            unread = listed.not_answered_since(self.started)
            self._listed.update(unread.values_list("pk", flat=True))

    def report(self, results: Iterable[RefreshResult], *, dry_run: bool) -> None:
        self._reported.update(
            result.account.pk
            for result in results
            if dry_run or result.account.answered_at not in self._asked_at
        )


def chunks(accounts: UnipileAccountQuerySet) -> Iterator[list[UnipileAccount]]:
    """Iterate in steps, so that neither memory nor a cursor is held while Unipile is asked."""
    chunk = list(accounts.order_by("pk")[:PAGE_SIZE])
    while chunk:
        yield chunk
        interrupts.check()
        chunk = list(accounts.filter(pk__gt=chunk[-1].pk).order_by("pk")[:PAGE_SIZE])
