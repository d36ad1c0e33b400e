from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any, NamedTuple
from urllib.parse import quote

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.interrupts import result_of
from unipile_accounts.unipile import http

# The most that `limit` may be.
PAGE_SIZE = 250


class AccountPage(NamedTuple):
    """Some accounts of the workspace, any provider's, and the cursor of the next page if any."""

    items: list[Any]
    cursor: str | None


def get_account(unipile_account_id: str, *, timeout: float | None = None) -> Any:
    """Return the JSON of one account.

    https://developer.unipile.com/reference/accountscontroller_getaccountbyid
    """
    return _ask_about("GET", unipile_account_id, timeout=timeout)


def delete_account(unipile_account_id: str, *, timeout: float | None = None) -> None:
    """Remove an account from the workspace. Raises `UnipileAccountNotFound` for one it lacks.

    https://developer.unipile.com/reference/accountscontroller_deleteaccount
    """
    _ask_about("DELETE", unipile_account_id, timeout=timeout)


def list_accounts(*, cursor: str | None = None, timeout: float | None = None) -> AccountPage:
    """Return one page of the workspace's accounts.

    https://developer.unipile.com/reference/accountscontroller_listaccounts
    """
    about = "the list of accounts"
    query = {"limit": str(PAGE_SIZE)} | ({"cursor": cursor} if cursor else {})
    match http.request("GET", "/accounts", about=about, query=query, timeout=timeout):
        case {"object": "AccountList", "items": list(items), **rest}:
            next_cursor = rest.get("cursor")
            if next_cursor is None or (isinstance(next_cursor, str) and next_cursor != cursor):
                return AccountPage(items, next_cursor or None)
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not a list of accounts.")


class _Pending:
    def __init__(self, **kwargs: Any) -> None:
        self._future: Future[AccountPage] = Future()
        threading.Thread(
            target=self._run, kwargs=kwargs, daemon=True, name="unipile-question"
        ).start()

    def _run(self, **kwargs: Any) -> None:
        try:
            self._future.set_result(list_accounts(**kwargs))
        except BaseException as exc:
            self._future.set_exception(exc)

    def wait(self) -> AccountPage:
        return result_of(self._future)


def begin_list(*, cursor: str | None = None, timeout: float | None = None) -> _Pending:
    return _Pending(cursor=cursor, timeout=timeout)


def _ask_about(method: str, unipile_account_id: str, *, timeout: float | None) -> Any:
    return http.request(
        method,
        f"/accounts/{quote(unipile_account_id, safe='')}",
        about=f"account {unipile_account_id}",
        account=True,
        timeout=timeout,
    )
