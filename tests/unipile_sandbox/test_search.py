from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.unipile_sandbox.talking import error_of, post
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


def search(
    sandbox: Sandbox, body: object, account_id: str = "paid", **query: Any
) -> requests.Response:
    return post(sandbox, SEARCH, body, account_id=account_id, **query)


@pytest.mark.parametrize(("api", "sizes"), [(CLASSIC, [50, 10]), (NAVIGATOR, [60])])
def test_pages_bring_each_person_once(
    sandbox: Sandbox, api: dict[str, Any], sizes: list[int]
) -> None:
    pages = [search(sandbox, api, limit=100).json()]
    assert pages[0]["config"] == {"params": api}
    assert pages[0]["paging"] == {"start": 0, "page_count": sizes[0], "total_count": 60}
    while pages[-1]["cursor"]:
        pages.append(search(sandbox, {"cursor": pages[-1]["cursor"]}, limit=100).json())

    assert [len(page["items"]) for page in pages] == sizes
    assert len({item["id"] for page in pages for item in page["items"]}) == 60


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({**CLASSIC, "advanced_keywords": {"title": "Director"}, "location": [PLACE]}, 6),
        ({**NAVIGATOR, "role": {"include": ["Director"]}, "last_name": "Ivesen"}, 3),
        ({**CLASSIC, "location": [PAID_PLACE]}, 0),
    ],
)
def test_words_and_places_find_people(sandbox: Sandbox, body: dict[str, Any], count: int) -> None:
    assert search(sandbox, body).json()["paging"]["total_count"] == count


def test_bad_search_gets_unipiles_error(sandbox: Sandbox) -> None:
    assert error_of(search(sandbox, NAVIGATOR, "free")) == (403, "feature_not_subscribed")
    of_another = {"cursor": search(sandbox, CLASSIC).json()["cursor"]}
    for body in (of_another, {"cursor": "x"}, {**CLASSIC, "api": "recruiter"}):
        assert error_of(search(sandbox, body, "free")) == (400, "invalid_parameters")
