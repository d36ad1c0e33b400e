"""One LinkedIn login, one row: a person who connects again keeps the row and its history."""

from __future__ import annotations

from uuid import UUID

from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_accounts.results import Door, Origin
from unipile_accounts.services.linking.disconnecting import delete_at_unipile
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.services.refreshing.writing import TOLD


def merge_logins(pk: UUID) -> None:
    """Let the oldest row of this account's owner and LinkedIn member take the newest login.

    The other rows disappear, and what they were at Unipile is deleted there, best effort. Rows of
    different owners, and those whose member is not known, are left alone.
    """
    for unipile_account_id in in_one_transaction(lambda: _merge(pk)):
        delete_at_unipile(unipile_account_id)


def absorb(row: UnipileAccount, *, into: UnipileAccount) -> None:
    """Remove a row, and let another one go on with its history and its links."""
    AccountChange.objects.filter(account=row).update(account=into)
    ConnectLink.objects.filter(account=row).update(account=into)
    row.delete()


def _merge(pk: UUID) -> list[str]:
    """Return the Unipile ids that are not needed any more."""
    rows = _rows_of_one_login(pk)
    newest = _newest_login(rows)
    if newest is None or len(rows) < 2:
        return []
    kept = min(rows, key=lambda row: row.created_at)
    others = [row for row in rows if row != kept]
    superfluous = [row.unipile_account_id for row in rows if row != newest]
    for other in others:
        absorb(other, into=kept)
    if newest != kept:
        columns = (*TOLD, "unipile_account_id", "given_up_at", "refreshed_at")
        recording.save_with_history(
            kept,
            {name: getattr(newest, name) for name in columns} | {"live_checked_at": None},
            Origin(Door.CONNECT),
        )
    return superfluous


def _rows_of_one_login(pk: UUID) -> list[UnipileAccount]:
    account = UnipileAccount.objects.filter(pk=pk).exclude(linkedin_id="").first()
    if account is None:
        return []
    locked = UnipileAccount.objects.select_for_update(no_key=True, nowait=True)
    same = locked.filter(user_id=account.user_id, linkedin_id=account.linkedin_id)
    return list(same.order_by("pk"))


def _newest_login(rows: list[UnipileAccount]) -> UnipileAccount | None:
    """Return the row that a link was used for last, if any was."""
    links = ConnectLink.objects.filter(account__in=rows).exclude(used_at=None)
    link = links.order_by("-used_at").first()
    return next((row for row in rows if link and row.pk == link.account_id), None)
