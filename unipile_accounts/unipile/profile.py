from __future__ import annotations

from typing import Any

from unipile_accounts.unipile import http


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
