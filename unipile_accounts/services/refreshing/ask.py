"""Asking Unipile about an account, with no database connection held."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountNotListed,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileLoginLost,
    UnipilePremiumStatusPending,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, listed_id, read_account
from unipile_accounts.payloads.profile import read_profile
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile import begin_list, get_account, get_own_profile

# How long a workspace counts as ours after it was seen to hold an account of ours, in seconds.
_WORKSPACE_SEEN = 60.0


class Answer(NamedTuple):
    """What Unipile said, and when it was asked, by the database's clock."""

    verdict: AccountVerdict
    asked_at: datetime


class Workspace:
    """Whether Unipile was just seen to hold an account that we know.

    In another workspace every account answers 404, and none of them is gone.
    """

    def __init__(self, *, is_confirmed: bool = False) -> None:
        self._ours_until = float("inf") if is_confirmed else 0.0

    def saw_ours(self) -> None:
        self._ours_until = max(self._ours_until, time.monotonic() + _WORKSPACE_SEEN)

    def confirm(
        self, error: UnipileAccountNotFound, unipile_account_id: str, patience: Patience
    ) -> None:
        """Raise `UnipileAccountNotListed` unless the workspace is ours, where a 404 counts.

        It is ours where it holds another account that we know, for which the list is read.
        """
        if time.monotonic() < self._ours_until:
            return
        page = begin_list(timeout=patience.timeout()).wait()
        ids = {listed_id(item) for item in page.items} - {None, unipile_account_id}
        if not UnipileAccount.objects.filter(unipile_account_id__in=ids).exists():
            raise UnipileAccountNotListed(
                f"{error} No other account of ours was seen in this workspace."
            ) from error
        self.saw_ours()


def ask(
    account: UnipileAccount, *, patience: Patience, workspace: Workspace, live: bool = False
) -> Answer:
    """Return what Unipile says of an account, or raise the `UnipileError` why it says nothing.

    `live` asks LinkedIn too. The row must be read with its `database_time`.
    """
    unipile_account_id, asked_at = account.unipile_account_id, account.database_time
    try:
        verdict = read(unipile_account_id, patience)
        if live and not verdict.reason:
            verdict, asked_at = _ask_linkedin(verdict, unipile_account_id, patience=patience)
        # Unipile has this account, so the workspace is ours for the next ones.
        workspace.saw_ours()
    except UnipileLoginLost as exc:
        verdict = AccountVerdict(UnipileAccount.Status.CREDENTIALS_REQUIRED, str(exc))
    except UnipileAccountNotFound as exc:
        workspace.confirm(exc, unipile_account_id, patience)
        verdict = AccountVerdict(UnipileAccount.Status.DISCONNECTED, str(exc))
    return Answer(with_plan(verdict, unipile_account_id), asked_at)


def read(unipile_account_id: str, patience: Patience) -> AccountVerdict:
    """Return what Unipile's payload of an account says, or raise `UnipileError`."""
    give_connection_back()
    payload = get_account(unipile_account_id, timeout=patience.timeout())
    return read_account(payload, unipile_account_id=unipile_account_id)


def is_at_unipile(unipile_account_id: str, patience: Patience) -> bool:
    """Tell whether Unipile has an account, or raise the `UnipileError` why it does not say."""
    give_connection_back()
    try:
        get_account(unipile_account_id, timeout=patience.timeout())
    except UnipileAccountNotFound as exc:
        Workspace().confirm(exc, unipile_account_id, patience)
        return False
    except (UnipileLoginLost, UnipileAccountUnavailable):
        return True
    return True


def _ask_linkedin(
    verdict: AccountVerdict, unipile_account_id: str, *, patience: Patience
) -> Answer:
    # A live answer is as old as its question to LinkedIn.
    asked_at = UnipileAccount.objects.database_time()
    give_connection_back()
    try:
        profile = get_own_profile(unipile_account_id, timeout=patience.timeout())
    except UnipileAccountNotFound as exc:
        # Unipile has just told of the account, so that it is not gone.
        raise UnipileAPIError(str(exc)) from exc
    live = read_profile(profile, verdict=verdict, unipile_account_id=unipile_account_id)
    return Answer(live, asked_at)


def with_plan(verdict: AccountVerdict, unipile_account_id: str) -> AccountVerdict:
    """Return the verdict, or raise where it says neither the plan nor why there is none."""
    if verdict.reason or verdict.flags:
        return verdict
    raise UnipilePremiumStatusPending(f"Unipile account {unipile_account_id} is still connecting.")
