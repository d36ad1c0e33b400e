"""The answer of GET /users/me.

https://developer.unipile.com/reference/userscontroller_getaccountownerprofile
"""

from __future__ import annotations

from typing import Any

from unipile_sandbox.payloads import Payload
from unipile_sandbox.plans import PlanStore, member_number, member_of


def owner_profile(payload: Payload, plans: PlanStore) -> dict[str, Any]:
    """Return what LinkedIn says of the account's owner, with an invented e-mail address."""
    member_id = member_of(payload)
    first_name, _, last_name = str(payload.get("name") or "Robin Sample").partition(" ")
    slug = _public_identifier(payload)
    profile = {
        "object": "AccountOwnerProfile",
        "provider": "LINKEDIN",
        "provider_id": member_id,
        "entity_urn": f"urn:li:fsd_profile:{member_id}",
        "object_urn": f"urn:li:member:{member_number(member_id)}",
        "first_name": first_name,
        "last_name": last_name,
        "profile_picture_url": None,
        **({} if slug is None else _public_keys(slug)),
        "headline": "Head of Samples",
        "location": "Exampletown",
        "email": f"{slug or 'member.' + str(member_number(member_id))}@example.test",
        "open_profile": False,
        "organizations": [],
        **plans.plan_of(payload),
    }
    changes = dict(plans.changes_of(payload))
    left_out = changes.pop("omit", ())
    return {key: value for key, value in (profile | changes).items() if key not in left_out}


def _public_keys(slug: str) -> dict[str, Any]:
    return {
        "public_profile_url": f"https://www.linkedin.com/in/{slug}",
        "public_identifier": slug,
    }


def _public_identifier(payload: Payload) -> str | None:
    match payload.get("connection_params"):
        case {"im": {"publicIdentifier": str(slug)}} if slug:
            return slug
    return None
