"""Unipile's account JSON -> verdict. Pure, without I/O and models.

The keys are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid;
live answers carry more than it documents, and leave out some that it requires.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from unipile_accounts.exceptions import UnipileNotLinkedIn
from unipile_accounts.payloads.fields import Fields, storable

NAME_MAX_LENGTH = 255
LINKEDIN_ID_MAX_LENGTH = 255
PROFILE_URL_MAX_LENGTH = 1000
PROFILE_URL_PREFIX = "https://www.linkedin.com/in/"

Flags = Mapping[str, bool]


class AccountVerdict(NamedTuple):
    """What Unipile says of an account. None is said where the stored value stays.

    `reason` says why the status is not connected. `copy` holds the flags of the plan that the
    account's payload tells, and `live` those that LinkedIn told at the same moment.
    """

    status: str | None = None
    reason: str = ""
    linkedin_id: str | None = None
    name: str | None = None
    profile_url: str | None = None
    created_at: datetime | None = None
    copy: Flags = {}
    live: Flags = {}

    @property
    def flags(self) -> Flags:
        """Return the flags to store. What LinkedIn tells is newer than the copy."""
        return {**self.copy, **self.live}


def read_account(payload: Any, *, unipile_account_id: str) -> AccountVerdict:
    """Return the verdict of a payload that was asked for by this id.

    A lost login is a verdict too. An account that is still connecting has no flags. Raises
    `UnipileNotLinkedIn` or, for anything that Unipile does not promise, `UnipileUnexpectedAnswer`.
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
    verdict = AccountVerdict(
        status="connected" if set(statuses) == {"OK"} else None,
        linkedin_id=_linkedin_id(linkedin.text("id") or ""),
        name=storable(account.text("name") or "")[:NAME_MAX_LENGTH] or None,
        profile_url=_profile_url(linkedin.text("publicIdentifier") or ""),
        created_at=_moment(account.text("created_at") or ""),
        copy=_flags(linkedin),
    )
    if "CREDENTIALS" not in statuses:
        return verdict
    return AccountVerdict(
        status="credentials_required",
        reason=f"Unipile account {unipile_account_id} is logged out of LinkedIn.",
        linkedin_id=verdict.linkedin_id,
        created_at=verdict.created_at,
    )


def listed_id(item: Any) -> str | None:
    """Return the id of an item of Unipile's list, if a database can take it as a parameter."""
    account_id = item.get("id") if isinstance(item, dict) else None
    is_text = isinstance(account_id, str) and account_id == storable(account_id)
    return account_id if is_text else None


def is_linkedin(item: dict[str, Any]) -> bool:
    """Tell the provider of an item of Unipile's list, however unreadable the rest is."""
    return bool(item.get("type") == "LINKEDIN")


def _flags(linkedin: Fields) -> Flags:
    features = linkedin.texts("premiumFeatures")
    premium_id = linkedin.text("premiumId")
    if "premiumFeatures" not in linkedin and "premiumId" not in linkedin:
        return {}
    return {
        # A premium account may well have a null premiumId, so either is enough.
        "is_premium": bool(features or premium_id),
        "has_sales_navigator": "sales_navigator" in features,
    }


def _source_statuses(account: Fields) -> list[str]:
    statuses = [source.text("status") for source in account.objects("sources")]
    if None in statuses:
        raise account.unexpected("a source without a status")
    return [status for status in statuses if status is not None]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _linkedin_id(text: str) -> str | None:
    member = storable(text)
    # An id cut short would be somebody else's.
    return member if member and len(member) <= LINKEDIN_ID_MAX_LENGTH else None


def _profile_url(public_identifier: str) -> str | None:
    slug = storable(public_identifier)
    url = PROFILE_URL_PREFIX + quote(slug, safe="")
    return url if slug and len(url) <= PROFILE_URL_MAX_LENGTH else None
