"""Deleting accounts at Unipile, best effort. The nightly pass tries again."""

from __future__ import annotations

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile import delete_account


def delete_at_unipile(
    unipile_account_id: str, *, patience: Patience | None = None, workspace: Workspace | None = None
) -> bool:
    """Delete an account at Unipile, and return whether it is gone there.

    One that Unipile does not have counts as gone only in a workspace that is ours.
    """
    give_connection_back()
    patience, workspace = patience or Patience.of_one_refresh(), workspace or Workspace()
    patience.begin()
    try:
        delete_account(unipile_account_id, timeout=patience.timeout())
    except UnipileAccountNotFound:
        try:
            if workspace.is_ours(unipile_account_id, patience):
                return True
        except UnipileError as exc:
            recording.logger.warning("The workspace was not read: %s", exc)
        recording.logger.warning("Unipile does not have account %s here.", unipile_account_id)
    except (UnipileError, UnipileNotConfigured) as exc:
        recording.logger.warning("Unipile did not delete an account: %s", exc)
    else:
        return True
    return False


def delete_unused(unipile_account_id: str) -> None:
    """Delete an account at Unipile whose row has taken another login, unless somebody needs it."""
    if unipile_account_id and not is_needed(unipile_account_id):
        delete_at_unipile(unipile_account_id)


def is_needed(unipile_account_id: str) -> bool:
    """Tell whether a row has this account, or an open claim names it."""
    rows = UnipileAccount.objects.filter(unipile_account_id=unipile_account_id)
    return rows.exists() or is_claimed(unipile_account_id)


def is_claimed(unipile_account_id: str) -> bool:
    return ConnectLink.objects.filter(claimed_account_id=unipile_account_id).exists()
