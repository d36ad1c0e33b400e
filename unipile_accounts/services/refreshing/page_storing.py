"""Storing a page of Unipile's list, though somebody may hold one of its rows for long."""

from __future__ import annotations

from unipile_accounts.exceptions import AccountLocked
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Origin, RefreshResult
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.services.refreshing.unread import Unread
from unipile_accounts.services.refreshing.writing import store


def store_page(page: Page, unread: Unread, *, origin: Origin, dry_run: bool) -> list[RefreshResult]:
    """Store what a page says of unread accounts; return how each of them went."""
    failed = [
        RefreshResult(row, error=page.errors[row.unipile_account_id])
        for row in unread.among(page.errors)
    ]
    unread.asked(page.asked_at)
    try:
        return failed + _store(page, unread, origin=origin, dry_run=dry_run)
    except AccountLocked as exc:
        # The other rows of the page are stored without the one that somebody holds.
        locked = exc
        stored = _store(page, unread, origin=origin, dry_run=dry_run, skip_locked=True)
    done = {result.account.pk for result in stored}
    skipped = [row for row in unread.among(page.verdicts) if row.pk not in done]
    return failed + stored + [RefreshResult(row, error=locked) for row in skipped]


def _store(
    page: Page, unread: Unread, *, origin: Origin, dry_run: bool, skip_locked: bool = False
) -> list[RefreshResult]:
    selected = unread.selection.filter(unipile_account_id__in=list(page.verdicts))
    return store(
        page.verdicts,
        UnipileAccount.objects.filter(pk__in=selected.order_by().values("pk")),
        asked_at=page.asked_at,
        origin=origin,
        dry_run=dry_run,
        skip=unread.was_read,
        skip_locked=skip_locked,
    )
