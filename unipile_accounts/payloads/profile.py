"""The account owner's profile as LinkedIn shows it now -> verdict. Pure.

https://developer.unipile.com/reference/userscontroller_getaccountownerprofile
Only the three keys of the plan are read. The rest is personal data.
"""

from __future__ import annotations

from typing import Any

from unipile_accounts.exceptions import PlanNotTold, UnipilePremiumStatusPending
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.payloads.fields import Fields


def read_profile(
    profile: Any, *, verdict: AccountVerdict, unipile_account_id: str
) -> AccountVerdict:
    """Return the account's verdict with the flags that its live profile tells.

    LinkedIn's "no" counts only for an account that is connected. Raises `PlanNotTold` where neither
    LinkedIn nor the account's payload shows whether the account is premium,
    `UnipilePremiumStatusPending` where the account is still connecting, and
    `UnipileUnexpectedAnswer` for anything that Unipile does not promise.
    """
    about = f"the profile of account {unipile_account_id}"
    fields = Fields(profile, about=about)
    if fields.text("object") != "AccountOwnerProfile" or fields.text("provider") != "LINKEDIN":
        raise fields.unexpected("another object or provider")
    sales_navigator = _has_seat(fields, "sales_navigator")
    signs = (fields.flag("premium"), sales_navigator, _has_seat(fields, "recruiter"))
    is_no_believed = verdict.status == "connected"
    live: dict[str, bool] = {}
    if any(signs) or (is_no_believed and None not in signs):
        live["is_premium"] = any(signs)
    elif not verdict.copy.get("is_premium"):
        error = PlanNotTold if verdict.copy else UnipilePremiumStatusPending
        raise error(f"LinkedIn does not tell the plan in {about}.")
    if sales_navigator or (is_no_believed and sales_navigator is False):
        live["has_sales_navigator"] = bool(sales_navigator)
    return verdict._replace(live=live)


def _has_seat(fields: Fields, product: str) -> bool | None:
    """Tell whether the account has a seat of a paid product. None is said where nobody knows."""
    seat = fields.object(product)
    if seat is None:
        return False if product in fields else None
    # The product may be there and out of reach, as in {"error": "DISCONNECTED"}.
    return None if "error" in seat else True
