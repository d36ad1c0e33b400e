"""Asking Unipile with no database connection held."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from django.db import connection

from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountNotListed,
    UnipileLoginLost,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.payloads.profile import read_profile
from unipile_accounts.unipile.accounts import get_account, list_accounts
from unipile_accounts.unipile.profile import get_own_profile

_T = TypeVar("_T")
Call = Callable[..., Any]

# How long a workspace counts as ours after it was seen to hold an account of ours, in seconds.
_WORKSPACE_SEEN = 60.0
# urllib3 rejects a timeout of 0.
_SHORTEST_TIMEOUT = 0.001


class Workspace:
    """Whether Unipile was just seen to hold an account that we know.

    In another workspace every account answers 404, and none of them is gone.
    """

    def __init__(self, *, is_confirmed: bool = False) -> None:
        self._ours_until = float("inf") if is_confirmed else 0.0

    def saw_ours(self) -> None:
        self._ours_until = max(self._ours_until, time.monotonic() + _WORKSPACE_SEEN)

    def is_ours(self, account: UnipileAccount, *, call: Call, deadline: float) -> bool:
        """Tell whether it holds an account that we know under another row; ask if need be."""
        if time.monotonic() >= self._ours_until:
            page = call(list_accounts, timeout=seconds_until(deadline))
            ids = [item["id"] for item in page.items if isinstance(item, dict) and "id" in item]
            if known_accounts(ids).exclude(pk=account.pk).exists():
                self.saw_ours()
        return time.monotonic() < self._ours_until


def known_accounts(unipile_account_ids: list[Any]) -> Any:
    """Return the rows of these ids; skip ids that PostgreSQL cannot take as a parameter."""
    ids = [each for each in unipile_account_ids if isinstance(each, str) and each.isprintable()]
    return UnipileAccount.objects.filter(unipile_account_id__in=ids)


def ask(
    account: UnipileAccount,
    *,
    deadline: float,
    workspace: Workspace,
    live: bool = False,
    call: Call | None = None,
) -> AccountVerdict:
    """Return what Unipile says of an account, or raise the `UnipileError` why it says nothing.

    It is there, or an error, when `time.monotonic()` says `deadline`. `live` asks LinkedIn too.
    """
    call = call or directly
    unipile_account_id = account.unipile_account_id
    give_connection_back()
    try:
        payload = call(get_account, unipile_account_id, timeout=seconds_until(deadline))
        verdict = read_account(payload, unipile_account_id=unipile_account_id)
    except UnipileLoginLost as exc:
        return _logged_out(exc)
    except UnipileAccountNotFound as exc:
        if not workspace.is_ours(account, call=call, deadline=deadline):
            raise UnipileAccountNotListed(
                f"{exc} No other account of ours was seen in this workspace."
            ) from exc
        return AccountVerdict(status=UnipileAccount.Status.DISCONNECTED, reason=str(exc))
    workspace.saw_ours()
    if not live or verdict.reason:
        return verdict
    return _ask_linkedin(verdict, unipile_account_id, deadline=deadline, call=call)


def _ask_linkedin(
    verdict: AccountVerdict, unipile_account_id: str, *, deadline: float, call: Call
) -> AccountVerdict:
    try:
        profile = call(get_own_profile, unipile_account_id, timeout=seconds_until(deadline))
    except UnipileLoginLost as exc:
        return _logged_out(exc)
    return read_profile(profile, verdict=verdict, unipile_account_id=unipile_account_id)


def _logged_out(exc: UnipileLoginLost) -> AccountVerdict:
    return AccountVerdict(status=UnipileAccount.Status.CREDENTIALS_REQUIRED, reason=str(exc))


def seconds_until(deadline: float) -> float:
    return max(_SHORTEST_TIMEOUT, deadline - time.monotonic())


def directly(function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    return function(*args, **kwargs)


def in_background(function: Callable[..., _T], *args: Any, **kwargs: Any) -> Future[_T]:
    """Call a function in a thread of its own; it must not use the database."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as exc:  # noqa: BLE001  # raised where the result is waited for
            future.set_exception(exc)

    # Entries of the log keep the id of our request.
    target = contextvars.copy_context().run
    # A daemon thread, because a pass that is stopped does not wait for it.
    threading.Thread(target=target, args=(run,), name="unipile-question", daemon=True).start()
    return future


def give_connection_back() -> None:
    """Let others use our database connection while we wait for Unipile."""
    if not connection.in_atomic_block:
        connection.close()
