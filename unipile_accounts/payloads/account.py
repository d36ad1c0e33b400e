"""Unipile's account JSON -> verdict. Pure: no I/O, no model.

The keys are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid;
live answers carry more than it documents, and leave out some that it requires.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from unipile_accounts.exceptions import (
    UnipileLoginLost,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileUnexpectedAnswer,
)

NAME_MAX_LENGTH = 255
PROFILE_URL_MAX_LENGTH = 1000
PROFILE_URL_PREFIX = "https://www.linkedin.com/in/"


class AccountVerdict(NamedTuple):
    """What an answer says of an account; None where it says nothing and the stored value stays."""

    name: str | None = None
    profile_url: str | None = None
    status: str | None = None
    is_premium: bool | None = None
    has_sales_navigator: bool | None = None


def read_account(payload: Any, *, unipile_account_id: str) -> AccountVerdict:
    """Return the verdict of a payload that was asked for by this id.

    Raises `UnipileLoginLost`, `UnipileNotLinkedIn`, `UnipilePremiumStatusPending` or, for anything
    that Unipile does not promise, `UnipileUnexpectedAnswer`. There is no verdict then.
    """
    if not isinstance(payload, dict) or payload.get("object") != "Account":
        raise _unexpected(unipile_account_id, "no account object")
    if payload.get("id") != unipile_account_id:
        raise _unexpected(unipile_account_id, "another account's id")
    if _text(payload, "type", unipile_account_id) != "LINKEDIN":
        raise UnipileNotLinkedIn(f"Unipile account {unipile_account_id} is not a LinkedIn account.")
    im = _linkedin_params(payload, unipile_account_id)
    statuses = _source_statuses(payload, unipile_account_id)
    features = _premium_features(im, unipile_account_id)
    premium_id = _text(im, "premiumId", unipile_account_id)
    name = storable(_text(payload, "name", unipile_account_id) or "")[:NAME_MAX_LENGTH]
    public_identifier = _text(im, "publicIdentifier", unipile_account_id) or ""
    if "CREDENTIALS" in statuses:
        raise UnipileLoginLost(f"Unipile account {unipile_account_id} is logged out of LinkedIn.")
    if "premiumFeatures" not in im and "premiumId" not in im:
        raise UnipilePremiumStatusPending(
            f"Unipile account {unipile_account_id} is still connecting."
        )
    return AccountVerdict(
        # A premium account may well have a null premiumId, so either is enough.
        is_premium=bool(features or premium_id),
        has_sales_navigator="sales_navigator" in features,
        status="connected" if statuses and set(statuses) == {"OK"} else None,
        name=name or None,
        profile_url=_profile_url(public_identifier),
    )


def _linkedin_params(payload: dict[str, Any], unipile_account_id: str) -> dict[str, Any]:
    params = payload.get("connection_params")
    im = params.get("im") if isinstance(params, dict) else None
    if not isinstance(im, dict):
        raise _unexpected(unipile_account_id, "no connection_params.im")
    return im


def _source_statuses(payload: dict[str, Any], unipile_account_id: str) -> list[str]:
    sources = payload.get("sources")
    if sources is None:
        return []
    if isinstance(sources, list) and all(isinstance(source, dict) for source in sources):
        statuses = [source.get("status") for source in sources]
        if all(isinstance(status, str) for status in statuses):
            return statuses
    raise _unexpected(unipile_account_id, "sources of the wrong type")


def _premium_features(im: dict[str, Any], unipile_account_id: str) -> list[str]:
    features = im.get("premiumFeatures")
    if features is None:
        return []
    if isinstance(features, list) and all(isinstance(feature, str) for feature in features):
        return features
    raise _unexpected(unipile_account_id, "premiumFeatures of the wrong type")


def _text(values: dict[str, Any], key: str, unipile_account_id: str) -> str | None:
    value = values.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _unexpected(unipile_account_id, f"{key} of the wrong type")


def _profile_url(public_identifier: str) -> str | None:
    slug = storable(public_identifier)
    url = PROFILE_URL_PREFIX + quote(slug, safe="")
    # An address cut short would be somebody else's.
    return url if slug and len(url) <= PROFILE_URL_MAX_LENGTH else None


def storable(text: str) -> str:
    """Leave out what PostgreSQL cannot store, NUL and lone surrogates, and surrounding space."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8").strip()


def _unexpected(unipile_account_id: str, what: str) -> UnipileUnexpectedAnswer:
    return UnipileUnexpectedAnswer(
        f"Unipile's answer for account {unipile_account_id} holds {what}."
    )
