"""Giving an account up: in our row first, then at Unipile as well as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import give_connection_back
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.unipile.accounts import delete_account

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
    is told again. Raises `UnipileAccount.DoesNotExist`, or `AccountLocked`.
    """

    def give_up() -> UnipileAccount:
        account = accounts.select_for_update(no_key=True, nowait=True).get(pk=pk)
        if account.given_up_at is None:
            recording.save_with_history(
                account,
                {"status": UnipileAccount.Status.DISCONNECTED, "given_up_at": timezone.now()},
                Origin(door, user),
            )
        return account

    account = in_one_transaction(give_up)
    return delete_at_unipile(account.unipile_account_id)


def delete_at_unipile(unipile_account_id: str) -> bool:
    """Delete an account at Unipile, best effort, and return whether it is gone there."""
    give_connection_back()
    try:
        delete_account(unipile_account_id)
    except (UnipileError, UnipileNotConfigured) as exc:
        recording.logger.warning("Unipile did not delete an account: %s", exc)
        return False
    return True
