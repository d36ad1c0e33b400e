from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.unipile_sandbox.talking import Reply, get, post
from unipile_sandbox import Sandbox, linkedin_account
from unipile_sandbox.directory import id_of

SEARCH = "/api/v1/linkedin/search"
CLASSIC: dict[str, Any] = {"api": "classic", "category": "people"}
NAVIGATOR: dict[str, Any] = {"api": "sales_navigator", "category": "people"}
PLACE, PAID_PLACE = id_of("LOCATION", 0, "CLASSIC"), id_of("LOCATION", 0, "SALES_NAVIGATOR")


@pytest.fixture(autouse=True)
def _accounts(sandbox: Sandbox) -> None:
    sandbox.add(linkedin_account("free"))
    sandbox.add(linkedin_account("paid", premium_features=["sales_navigator"]))


def search(sandbox: Sandbox, body: object, account_id: str = "paid", **query: Any) -> Reply:
    return post(sandbox, f"{SEARCH}?{urlencode({'account_id': account_id, **query})}", body)


def parameters(sandbox: Sandbox, **query: Any) -> Reply:
    return get(sandbox, f"{SEARCH}/parameters?{urlencode({'account_id': 'free', **query})}")


def test_search_has_unipiles_envelope(sandbox: Sandbox) -> None:
    body = {**NAVIGATOR, "keywords": "sales"}
    answer = search(sandbox, body, limit=2).json
    assert answer.keys() == {"object", "items", "config", "paging", "cursor"}
    assert (answer["object"], answer["config"]) == ("LinkedinSearch", {"params": body})
    assert answer["paging"] == {"start": 0, "page_count": 2, "total_count": 12}
    assert answer["items"][0]["current_positions"][0]["role"] == "Director of Sales"


@pytest.mark.parametrize(("api", "sizes"), [(CLASSIC, [50, 10]), (NAVIGATOR, [60])])
def test_pages_bring_each_person_once(
    sandbox: Sandbox, api: dict[str, Any], sizes: list[int]
) -> None:
    pages = [search(sandbox, api, limit=100).json]
    while pages[-1]["cursor"]:
        pages.append(search(sandbox, {"cursor": pages[-1]["cursor"]}, limit=100).json)
    assert [len(page["items"]) for page in pages] == sizes
    found = [item for page in pages for item in page["items"]]
    assert len({item["id"] for item in found}) == 60
    assert len({item["name"] for item in found}) == 58


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({**CLASSIC, "keywords": "brookfield"}, 18),
        ({**CLASSIC, "advanced_keywords": {"title": "Director"}, "location": [PLACE]}, 6),
        ({**NAVIGATOR, "role": {"include": ["Director"]}, "last_name": "Ivesen"}, 3),
        ({**CLASSIC, "location": [PAID_PLACE]}, 0),
    ],
)
def test_words_and_places_find_people(sandbox: Sandbox, body: dict[str, Any], count: int) -> None:
    assert search(sandbox, body).json["paging"]["total_count"] == count


@pytest.mark.parametrize(
    ("account_id", "body", "status", "error_type"),
    [
        ("free", NAVIGATOR, 403, "errors/feature_not_subscribed"),
        ("nobody", CLASSIC, 404, "errors/resource_not_found"),
        ("free", {"api": "recruiter", "category": "people"}, 400, "errors/invalid_parameters"),
        ("free", {"cursor": "x"}, 400, "errors/invalid_parameters"),
    ],
)
def test_bad_search_gets_unipiles_error(
    sandbox: Sandbox, account_id: str, body: object, status: int, error_type: str
) -> None:
    reply = search(sandbox, body, account_id)
    assert (reply.status, reply.json["type"]) == (status, error_type)


def test_cursor_is_bound_to_its_account(sandbox: Sandbox) -> None:
    cursor = search(sandbox, CLASSIC).json["cursor"]
    assert search(sandbox, {"cursor": cursor}, "free").status == 400
    assert search(sandbox, {"cursor": cursor}).status == 200
    assert search(sandbox, CLASSIC, limit=101).status == 400


def test_parameters_are_titles_with_their_ids(sandbox: Sandbox) -> None:
    reply = parameters(sandbox, type="LOCATION", keywords="SPRING", limit=1)
    assert reply.json == {
        "object": "LinkedinSearchParametersList",
        "items": [
            {
                "object": "LinkedinSearchParameter",
                "id": id_of("LOCATION", 4, "CLASSIC"),
                "title": "Springvale, Northshire",
            }
        ],
        "paging": {"page_count": 1},
    }
    assert len(parameters(sandbox, type="LOCATION", keywords="spring").json["items"]) == 2
    assert parameters(sandbox, type="LOCATION", service="SALES_NAVIGATOR").status == 403
    assert parameters(sandbox, type="PLACE").status == 400
