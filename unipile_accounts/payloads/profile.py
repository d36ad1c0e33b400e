"""The account owner's profile as LinkedIn shows it now -> verdict. Pure.

https://developer.unipile.com/reference/userscontroller_getaccountownerprofile
Only the three keys of the plan are read; the rest is personal data.
"""

from __future__ import annotations

from typing import Any

from unipile_accounts.exceptions import UnipileAccountUnavailable
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.payloads.fields import Fields


def read_profile(
    profile: Any, *, verdict: AccountVerdict, unipile_account_id: str
) -> AccountVerdict:
    """Return the account's verdict with the plan of its live profile in place of the copy's.

    What LinkedIn does not say is None. A "no" counts only for an account that is connected.
    Raises `UnipileAccountUnavailable` when nothing tells whether the account is premium, and
    `UnipileUnexpectedAnswer` for anything that Unipile does not promise.
    """
    about = f"the profile of account {unipile_account_id}"
    fields = Fields(profile, about=about)
    if fields.text("object") != "AccountOwnerProfile" or fields.text("provider") != "LINKEDIN":
        raise fields.unexpected("another object or provider")
    sales_navigator = _has_seat(fields, "sales_navigator")
    signs = (fields.flag("premium"), sales_navigator, _has_seat(fields, "recruiter"))
    is_no_believed = verdict.status == "connected"
    if not any(signs) and (None in signs or not is_no_believed):
        raise UnipileAccountUnavailable(f"LinkedIn does not tell the plan in {about}.")
    return verdict._replace(
        is_premium=any(signs),
        has_sales_navigator=sales_navigator if sales_navigator or is_no_believed else None,
        is_live=True,
    )


def _has_seat(fields: Fields, product: str) -> bool | None:
    """Tell whether the account has a seat of a paid product; None where that is not known."""
    seat = fields.object(product)
    if seat is None:
        return False if product in fields else None
    # The product may be there and out of reach, as in {"error": "DISCONNECTED"}.
    return None if "error" in seat else True
