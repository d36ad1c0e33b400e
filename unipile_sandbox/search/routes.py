"""POST /linkedin/search and GET /linkedin/search/parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from unipile_sandbox.answers import Answer, RefusedError, invalid, ok
from unipile_sandbox.calls import Call, linkedin_session
from unipile_sandbox.payloads import Payload
from unipile_sandbox.search.cursors import Position, read_cursor, write_cursor
from unipile_sandbox.search.directory import members
from unipile_sandbox.search.filters import check_search
from unipile_sandbox.search.items import item
from unipile_sandbox.search.matching import fits
from unipile_sandbox.search.vocabulary import ALIASES, TITLES, Service, id_of
from unipile_sandbox.shapes import read_object

SERVICES: Mapping[str, Service] = {"classic": "CLASSIC", "sales_navigator": "SALES_NAVIGATOR"}
SALES_NAVIGATOR_TYPES = (
    "GROUPS",
    "SALES_INDUSTRY",
    "DEPARTMENT",
    "PERSONA",
    "ACCOUNT_LISTS",
    "LEAD_LISTS",
    "TECHNOLOGIES",
    "SAVED_ACCOUNTS",
    "SAVED_SEARCHES",
    "RECENT_SEARCHES",
    "POSTAL_CODE",
)
# Those of them that have no titles here bring empty lists.
TYPES = (
    "LOCATION",
    "PEOPLE",
    "CONNECTIONS",
    "COMPANY",
    "SCHOOL",
    "INDUSTRY",
    "SERVICE",
    "JOB_FUNCTION",
    "JOB_TITLE",
    "EMPLOYMENT_TYPE",
    "SKILL",
    *SALES_NAVIGATOR_TYPES,
)


def search(call: Call) -> Answer:
    payload = linkedin_session(call)
    parameters = call.parameters()
    position = _position(call, payload, parameters)
    settings, service = call.workspace.search, SERVICES[position.query["api"]]
    _check_subscription(call, payload, service)
    is_classic = service == "CLASSIC"
    limit = min(position.limit, settings.classic_page) if is_classic else position.limit
    found = [member for member in members(settings.people) if fits(member, position.query, service)]
    ceiling = settings.classic_ceiling if is_classic else settings.sales_navigator_ceiling
    end = min(position.start + limit, ceiling)
    goes_on = bool(limit) and end < min(len(found), ceiling)
    page = [item(member, service) for member in found[position.start : end]]
    return ok(
        {
            "object": "LinkedinSearch",
            "items": page,
            "config": {"params": position.query},
            # LinkedIn counts all, though it does not show them all.
            "paging": {
                "start": position.start,
                "page_count": len(page),
                "total_count": len(found),
            },
            "cursor": write_cursor(position._replace(start=end)) if goes_on else None,
        }
    )


def _position(call: Call, payload: Payload, parameters: Mapping[str, str]) -> Position:
    """Read what is searched and from where on. Raises RefusedError."""
    body = read_object(call.body)
    account_id = str(payload["id"])
    cursor = body.pop("cursor", None) if body.keys() == {"cursor"} else parameters.get("cursor")
    if cursor is None:
        check_search(body)
        return Position(account_id, _limit(parameters, default=10, least=0), 0, body)
    position = read_cursor(cursor, account_id)
    if body and body != position.query:
        raise invalid("cursor belongs to another search.")
    return position._replace(limit=_limit(parameters, default=position.limit, least=0))


def _check_subscription(call: Call, payload: Payload, service: Service) -> None:
    has_seat = call.workspace.plans.has_seat(payload, "sales_navigator")
    if service == "SALES_NAVIGATOR" and not has_seat:
        detail = (
            "The requested feature has either not been subscribed or not been "
            "authenticated properly."
        )
        raise RefusedError(403, "feature_not_subscribed", detail)


def list_parameters(call: Call) -> Answer:
    """List titles that have the keywords in them, those that begin with them first."""
    payload = linkedin_session(call)
    parameters = call.parameters()
    kind, service = _kind_and_service(parameters)
    _check_subscription(call, payload, service)
    limit = _limit(parameters, default=10, least=1)
    keywords = parameters.get("keywords", "").lower()
    titles = [
        (not title.lower().startswith(keywords), number, title)
        for number, title in enumerate(TITLES.get(kind, ()))
        if keywords in title.lower()
    ]
    items = [
        {"object": "LinkedinSearchParameter", "id": id_of(kind, number, service), "title": title}
        for _, number, title in sorted(titles)[:limit]
    ]
    paging = {"page_count": len(items)}
    return ok({"object": "LinkedinSearchParametersList", "items": items, "paging": paging})


def _kind_and_service(parameters: Mapping[str, str]) -> tuple[str, Service]:
    kind = parameters.get("type")
    if kind not in TYPES:
        raise invalid(f"type must be one of {', '.join(TYPES)}.")
    needs_navigator = kind in SALES_NAVIGATOR_TYPES
    service: Any = parameters.get("service", "SALES_NAVIGATOR" if needs_navigator else "CLASSIC")
    if service not in SERVICES.values() or (needs_navigator and service == "CLASSIC"):
        raise invalid(f"service {service} has no parameters of type {kind}.")
    return ALIASES.get(kind, kind), cast("Service", service)


def _limit(parameters: Mapping[str, str], *, default: int, least: int) -> int:
    text = parameters.get("limit", str(default))
    if not re.fullmatch("[0-9]{1,3}", text) or not least <= int(text) <= 100:
        raise invalid(f"limit must be an integer from {least} to 100.")
    return int(text)
