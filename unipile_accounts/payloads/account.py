"""Unipile's account JSON -> verdict. Pure, without I/O and models.

The keys are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid;
live answers carry more than it documents, and leave out some that it requires.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from unipile_accounts.exceptions import UnipileNotLinkedIn, UnipilePremiumStatusPending
from unipile_accounts.payloads.fields import Fields, storable

NAME_MAX_LENGTH = 255
LINKEDIN_ID_MAX_LENGTH = 255
PROFILE_URL_MAX_LENGTH = 1000
PROFILE_URL_PREFIX = "https://www.linkedin.com/in/"
# json.dumps() would make one each time.
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


class AccountVerdict(NamedTuple):
    """What Unipile says of an account; None where it says nothing and the stored value stays.

    `reason` says why the status is not connected. `plan_snapshot` is what the account's payload
    says of the plan, as text to compare. `is_live` tells that the flags are LinkedIn's own.
    """

    status: str | None = None
    reason: str = ""
    linkedin_id: str | None = None
    name: str | None = None
    profile_url: str | None = None
    is_premium: bool | None = None
    has_sales_navigator: bool | None = None
    plan_snapshot: str | None = None
    is_live: bool = False


def read_account(payload: Any, *, unipile_account_id: str) -> AccountVerdict:
    """Return the verdict of a payload that was asked for by this id.

    A lost login is a verdict too. Raises `UnipileNotLinkedIn`, `UnipilePremiumStatusPending` or,
    for anything that Unipile does not promise, `UnipileUnexpectedAnswer`.
    """
    about = f"account {unipile_account_id}"
    account = Fields(payload, about=about)
    if account.text("object") != "Account" or account.text("id") != unipile_account_id:
        raise account.unexpected("another object or id")
    provider = account.text("type")
    if provider is None:
        raise account.unexpected("no type")
    if provider != "LINKEDIN":
        raise UnipileNotLinkedIn(f"Unipile {about} is not a LinkedIn account.")
    params = account.object("connection_params")
    linkedin = params.object("im") if params else None
    if linkedin is None:
        raise account.unexpected("no connection_params.im")
    return _read_linkedin(account, linkedin, unipile_account_id=unipile_account_id)


def _read_linkedin(account: Fields, linkedin: Fields, *, unipile_account_id: str) -> AccountVerdict:
    statuses = _source_statuses(account)
    features = linkedin.texts("premiumFeatures")
    premium_id = linkedin.text("premiumId") or None
    verdict = AccountVerdict(
        status="connected" if set(statuses) == {"OK"} else None,
        linkedin_id=_linkedin_id(linkedin.text("id") or ""),
        name=storable(account.text("name") or "")[:NAME_MAX_LENGTH] or None,
        profile_url=_profile_url(linkedin.text("publicIdentifier") or ""),
        # A premium account may well have a null premiumId, so either is enough.
        is_premium=bool(features or premium_id),
        has_sales_navigator="sales_navigator" in features,
        plan_snapshot=_plan_snapshot(features, premium_id),
    )
    if "CREDENTIALS" in statuses:
        return AccountVerdict(
            status="credentials_required",
            reason=f"Unipile account {unipile_account_id} is logged out of LinkedIn.",
            linkedin_id=verdict.linkedin_id,
        )
    if "premiumFeatures" not in linkedin and "premiumId" not in linkedin:
        raise UnipilePremiumStatusPending(
            f"Unipile account {unipile_account_id} is still connecting."
        )
    return verdict


def _source_statuses(account: Fields) -> list[str]:
    statuses = [source.text("status") for source in account.objects("sources")]
    if None in statuses:
        raise account.unexpected("a source without a status")
    return [status for status in statuses if status is not None]


def _plan_snapshot(features: list[str], premium_id: str | None) -> str:
    plan = {"premiumFeatures": sorted(set(features)), "premiumId": premium_id}
    return _ENCODER.encode(plan)


def _linkedin_id(text: str) -> str | None:
    member = storable(text)
    # An id cut short would be somebody else's.
    return member if member and len(member) <= LINKEDIN_ID_MAX_LENGTH else None


def _profile_url(public_identifier: str) -> str | None:
    slug = storable(public_identifier)
    url = PROFILE_URL_PREFIX + quote(slug, safe="")
    return url if slug and len(url) <= PROFILE_URL_MAX_LENGTH else None
