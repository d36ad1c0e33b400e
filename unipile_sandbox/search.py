"""POST /linkedin/search and GET /linkedin/search/parameters, over the same few people always.

Words and places find people. Other filters narrow nothing, so tests look at the body that came.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, cast

from unipile_sandbox.answers import Answer, RefusedError, encode, invalid, ok
from unipile_sandbox.calls import Call, linkedin_session
from unipile_sandbox.directory import TITLES, Service, id_of, people, place_of
from unipile_sandbox.payloads import Payload
from unipile_sandbox.shapes import read_object

SERVICES: Mapping[Any, Service] = {"classic": "CLASSIC", "sales_navigator": "SALES_NAVIGATOR"}
# Classic does not fill larger pages.
CLASSIC_PAGE = 50


def search(call: Call) -> Answer:
    payload = linkedin_session(call)
    body = read_object(call.body)
    start = 0
    if "cursor" in body:
        start, body = _read_cursor(body["cursor"], str(payload["id"]))
    service = SERVICES.get(body.get("api"))
    if service is None or body.get("category") != "people":
        raise invalid("This sandbox searches api classic or sales_navigator, category people.")
    _check_subscription(call, payload, service)
    limit = _limit(call)
    end = start + (min(limit, CLASSIC_PAGE) if service == "CLASSIC" else limit)
    found = [item for item in people(service) if _fits(item, body, service)]
    return ok(
        {
            "object": "LinkedinSearch",
            "items": found[start:end],
            "config": {"params": body},
            "paging": {
                "start": start,
                "page_count": len(found[start:end]),
                "total_count": len(found),
            },
            "cursor": _cursor(str(payload["id"]), end, body) if end < len(found) else None,
        }
    )


def list_parameters(call: Call) -> Answer:
    payload = linkedin_session(call)
    parameters = call.parameters()
    kind, service = parameters.get("type", ""), parameters.get("service", "CLASSIC")
    if kind not in TITLES or service not in SERVICES.values():
        raise invalid(f"type must be one of {', '.join(TITLES)}, of a service.")
    _check_subscription(call, payload, service)
    words = parameters.get("keywords", "").lower()
    items = [
        {
            "object": "LinkedinSearchParameter",
            "id": id_of(kind, number, cast("Service", service)),
            "title": title,
        }
        for number, title in enumerate(TITLES[kind])
        if words in title.lower()
    ][: _limit(call)]
    paging = {"page_count": len(items)}
    return ok({"object": "LinkedinSearchParametersList", "items": items, "paging": paging})


def _fits(item: dict[str, Any], query: Mapping[str, Any], service: Service) -> bool:
    text = f"{item['name'] or ''} {item['headline']}".lower()
    words = [query.get("keywords"), query.get("first_name"), query.get("last_name")]
    words += query.get("advanced_keywords", {}).values()
    words += query.get("role", {}).get("include", ())
    places = query.get("location")
    if isinstance(places, dict):
        places = places.get("include")
    is_there = not places or place_of(item, service) in places
    return is_there and all(word.lower() in text for word in words if word)


def _check_subscription(call: Call, payload: Payload, service: str) -> None:
    if service == "SALES_NAVIGATOR" and not call.workspace.plans.has_seat(
        payload, "sales_navigator"
    ):
        raise RefusedError(403, "feature_not_subscribed")


def _cursor(account_id: str, start: int, query: Mapping[str, Any]) -> str:
    """Write a cursor that holds the account and the whole query, as Unipile's does."""
    return urlsafe_b64encode(encode([account_id, start, query])).decode()


def _read_cursor(cursor: object, account_id: str) -> tuple[int, dict[str, Any]]:
    try:
        of_account, start, query = json.loads(urlsafe_b64decode(str(cursor)))
    except (ValueError, TypeError):
        raise invalid("cursor is not one that this search has given.") from None
    if of_account != account_id:
        raise invalid("cursor belongs to another account.")
    return start, query


def _limit(call: Call) -> int:
    text = call.parameters().get("limit", "10")
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise invalid("limit must be an integer from 1 to 100.")
    return int(text)
