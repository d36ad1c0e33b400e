"""Giving an account up: in our row first, then at Unipile as well as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin
from unipile_accounts.services.linking.deleting import delete_at_unipile
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.services.refreshing.writing import write_locked

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


def disconnect_account(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    door: Door,
    user: AbstractBaseUser | AnonymousUser | None = None,
) -> bool:
    """Give one of these accounts up, and return whether Unipile has deleted it.

    The row stays with its history, and only a reconnect brings it back. A second time only Unipile
    is asked again. Raises `UnipileAccount.DoesNotExist`, or `AccountLocked`.
    """

    def give_up() -> UnipileAccount:
        locked = accounts.with_database_time().select_for_update(no_key=True)
        row = locked.get(pk=pk)
        if row.given_up_at is None:
            values = {
                "status": UnipileAccount.Status.DISCONNECTED,
                "given_up_at": row.database_time,
            }
            write_locked(row, values, Origin(door, user))
        return row

    return delete_at_unipile(in_one_transaction(give_up).unipile_account_id)
