from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile import http

# The most that `limit` may be.
PAGE_SIZE = 250

_LIST = "the list of accounts"


class AccountPage(NamedTuple):
    """Some accounts of the workspace, of any provider, and the cursor of the next page if any."""

    items: list[Any]
    cursor: str | None


class PendingPage(NamedTuple):
    """A page that Unipile has been asked for."""

    asked_for: str | None
    answer: http.Pending

    def wait(self) -> AccountPage:
        """Return the page, or raise the `UnipileError` why there is none."""
        match self.answer.wait():
            case {"object": "AccountList", "items": list(items), **rest}:
                cursor = rest.get("cursor")
                if cursor is None or (isinstance(cursor, str) and cursor != self.asked_for):
                    return AccountPage(items, cursor or None)
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {_LIST} is not a list of accounts.")


def get_account(unipile_account_id: str, *, timeout: float | None = None) -> Any:
    """Return the JSON of one account.

    https://developer.unipile.com/reference/accountscontroller_getaccountbyid
    """
    return _ask_about("GET", unipile_account_id, timeout=timeout)


def get_own_profile(unipile_account_id: str, *, timeout: float | None = None) -> Any:
    """Return the JSON of the account owner's profile, which Unipile reads from LinkedIn now.

    It holds personal data, such as the e-mail address.
    https://developer.unipile.com/reference/userscontroller_getaccountownerprofile
    """
    return http.begin(
        "GET",
        "/users/me",
        about=f"the profile of account {unipile_account_id}",
        query={"account_id": unipile_account_id},
        account=True,
        timeout=timeout,
    ).wait()


def delete_account(unipile_account_id: str, *, timeout: float | None = None) -> None:
    """Remove an account from the workspace. Raises `UnipileAccountNotFound` for one it lacks.

    https://developer.unipile.com/reference/accountscontroller_deleteaccount
    """
    _ask_about("DELETE", unipile_account_id, timeout=timeout)


def begin_list(*, cursor: str | None = None, timeout: float | None = None) -> PendingPage:
    """Ask for a page of the workspace's accounts, which comes while something else is done.

    https://developer.unipile.com/reference/accountscontroller_listaccounts
    """
    query = {"limit": str(PAGE_SIZE)} | ({"cursor": cursor} if cursor else {})
    answer = http.begin("GET", "/accounts", about=_LIST, query=query, timeout=timeout)
    return PendingPage(cursor, answer)


def _ask_about(method: str, unipile_account_id: str, *, timeout: float | None) -> Any:
    return http.begin(
        method,
        f"/accounts/{quote(unipile_account_id, safe='')}",
        about=f"account {unipile_account_id}",
        account=True,
        timeout=timeout,
    ).wait()
