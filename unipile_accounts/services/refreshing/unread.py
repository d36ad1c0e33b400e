"""Which accounts of a pass are still to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from unipile_accounts.interrupts import check
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import RefreshResult
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.unipile import PAGE_SIZE


class Unread:
    """The accounts of a selection that nothing was said about yet.

    Its memory does not grow with the number of accounts. A row that was read shows it by its
    `answered_at`, and only those that were reported without a write are kept.
    """

    def __init__(self, selection: UnipileAccountQuerySet) -> None:
        self.selection = selection.readable()
        self._started = UnipileAccount.objects.database_time()
        self._asked_at: set[datetime] = set()
        self._reported: set[UUID] = set()
        self._listed: set[UUID] = set()

    def chunks(self, *, status: str | None = None) -> Iterator[list[UnipileAccount]]:
        accounts = self.selection.not_answered_since(self._started)
        for chunk in chunks(accounts.filter(status=status) if status else accounts):
            unread = [row for row in chunk if row.pk not in self._reported]
            if unread:
                yield unread

    def was_read(self, row: UnipileAccount) -> bool:
        """An account that moves to a later page while the list is read comes twice."""
        return row.answered_at in self._asked_at or row.pk in self._reported

    def count_missing(self) -> int:
        """Return how many accounts were on no page."""
        return sum(row.pk not in self._listed for chunk in self.chunks() for row in chunk)

    def asked(self, page: Page, results: list[RefreshResult]) -> None:
        """Remember a page, and its accounts that are unread because somebody has locked them."""
        self._asked_at.add(page.asked_at)
        if len(results) < len(page.answers):
            listed = self.selection.filter(unipile_account_id__in=list(page.answers))
            unread = listed.not_answered_since(self._started)
            self._listed.update(unread.values_list("pk", flat=True))

    def report(self, results: Iterable[RefreshResult], *, dry_run: bool) -> None:
        self._reported.update(
            result.account.pk for result in results if dry_run or not result.stored
        )


def chunks(accounts: UnipileAccountQuerySet) -> Iterator[list[UnipileAccount]]:
    """Iterate in steps, so that neither memory nor a cursor is held while Unipile is asked."""
    chunk = list(accounts.order_by("pk")[:PAGE_SIZE])
    while chunk:
        yield chunk
        check()
        chunk = list(accounts.filter(pk__gt=chunk[-1].pk).order_by("pk")[:PAGE_SIZE])
