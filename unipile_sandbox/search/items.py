"""A member as an item of the answer, in the form that each API gives."""

from __future__ import annotations

from typing import Any

from unipile_sandbox.search.directory import Member
from unipile_sandbox.search.vocabulary import COMPANIES, INDUSTRIES, LOCATIONS, Service


def item(member: Member, service: Service) -> dict[str, Any]:
    member_id, hidden = member.member_id(service), member.is_hidden
    public_url = None if hidden else f"https://www.linkedin.com/in/{member.slug}"
    names = {} if hidden else {"first_name": member.first_name, "last_name": member.last_name}
    is_classic = service == "CLASSIC"
    lead_url = f"https://www.linkedin.com/sales/lead/{member_id},NAME_SEARCH,abcd"
    return {
        "object": "SearchResult",
        "type": "PEOPLE",
        "id": member_id,
        "public_identifier": None if hidden else member.slug,
        "public_profile_url": public_url,
        "profile_url": public_url if is_classic else lead_url,
        "profile_picture_url": None,
        "profile_picture_url_large": None,
        "member_urn": f"urn:li:member:{100_000_000 + member.number}",
        "name": None if hidden else member.name,
        **names,
        "network_distance": member.distance,
        "location": LOCATIONS[member.location],
        "industry": None,
        "headline": member.headline,
        "premium": member.number % 3 == 0,
        "open_profile": False,
        "pending_invitation": False,
        "shared_connections_count": member.number % 7,
        **({} if is_classic else {"current_positions": [_position(member)]}),
    }


def _position(member: Member) -> dict[str, Any]:
    return {
        "company": COMPANIES[member.company],
        "company_id": member.ids("SALES_NAVIGATOR")["company"],
        "description": None,
        "role": member.role,
        "location": LOCATIONS[member.location],
        "industry": [INDUSTRIES[member.industry]],
        "tenure_at_role": _years(member.tenure_at_role),
        "tenure_at_company": _years(member.tenure_at_company),
        "skills": None,
    }


def _years(months: int) -> dict[str, int]:
    return {"years": months // 12, "months": months % 12}
