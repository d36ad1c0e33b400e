"""Giving an account up, in our row first, and then at Unipile as well as can be."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileError,
    UnipileNotConfigured,
    UnipileNotLinkedIn,
)
from unipile_accounts.interrupts import Stopped
from unipile_accounts.models import AnyUser, ConnectLink, UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Change, Door, Origin
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.locking import patiently
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.refreshing.writing import entry, write_locked
from unipile_accounts.unipile import delete_account


def disconnect_account(
    accounts: UnipileAccountQuerySet, pk: UUID, *, door: Door, user: AnyUser | None = None
) -> bool:
    """Give one of these accounts up, and return whether nothing is left to delete at Unipile.

    The row stays with its history, and only a reconnect brings it back. A second time only Unipile
    is asked again. An account that is not LinkedIn's stays there. Raises
    `UnipileAccount.DoesNotExist`, or `AccountLocked`.
    """

    def give_up() -> UnipileAccount:
        row = accounts.select_for_update(no_key=True).get(pk=pk)
        if row.given_up_at is None:
            values = {
                "status": UnipileAccount.Status.DISCONNECTED,
                # Asked for under the lock, so that it is later than all that came before.
                "given_up_at": UnipileAccount.objects.database_time(),
            }
            write_locked(row, values, Origin(door, user))
        return row

    row = patiently(give_up)
    if row.last_error == UnipileNotLinkedIn.code:
        return True
    return delete_at_unipile(row.unipile_account_id, Patience.of_one_refresh(), Workspace())


def delete_at_unipile(unipile_account_id: str, patience: Patience, workspace: Workspace) -> bool:
    """Delete an account at Unipile, and return whether it is gone there.

    One that Unipile does not have counts as gone only in a workspace that is ours. The nightly
    pass tries again.
    """
    give_connection_back()
    patience.begin()
    try:
        try:
            delete_account(unipile_account_id, timeout=patience.timeout())
        except UnipileAccountNotFound as exc:
            workspace.confirm(exc, unipile_account_id, patience)
    except (UnipileError, UnipileNotConfigured) as exc:
        recording.logger.warning("Unipile did not delete an account: %s", exc)
        return False
    return True


def delete_unused(unipile_account_id: str) -> None:
    """Delete an account at Unipile whose row has taken another login, unless somebody needs it."""
    rows = UnipileAccount.objects.filter(unipile_account_id=unipile_account_id)
    if rows.exists() or is_claimed(unipile_account_id):
        return
    # A pass that should end first publishes what is stored.
    with suppress(Stopped):
        delete_at_unipile(unipile_account_id, Patience.of_one_refresh(), Workspace())


def is_claimed(unipile_account_id: str) -> bool:
    return ConnectLink.objects.filter(claimed_account_id=unipile_account_id).exists()


@receiver(pre_delete, sender=UnipileAccount)
def end_history(instance: UnipileAccount, **kwargs: Any) -> None:
    """Refuse to delete a living row, whatever it was when the deletion was asked for."""
    if instance.is_merged:
        return
    row = UnipileAccount.objects.deletable().select_for_update().filter(pk=instance.pk).first()
    if row is None:
        raise ProtectedError("Disconnect the account first.", {instance})
    entry(row, {"status": Change(row.status, None)}, Origin(Door.ADMIN)).save()
