from __future__ import annotations

import pytest

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile.search import search_parameters, search_people
from unipile_sandbox import Fault, Sandbox

PEOPLE = {"api": "classic", "category": "people"}


def test_search_is_read_page_by_page(account: str, sandbox: Sandbox) -> None:
    first = search_people(account, body=PEOPLE, limit=7)
    second = search_people(account, body={"cursor": first["cursor"]}, limit=7)

    assert (len(first["items"]), len(second["items"])) == (7, 7)
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}
    one, two = sandbox.requests
    assert one.path == two.path == f"/api/v1/linkedin/search?account_id={account}&limit=7"


@pytest.mark.parametrize("body", [b'{"items": {}}', b'{"items": [], "cursor": 5}'])
def test_search_that_is_no_list_is_unexpected(account: str, sandbox: Sandbox, body: bytes) -> None:
    sandbox.inject(Fault(body=body))

    with pytest.raises(UnipileUnexpectedAnswer):
        search_people(account, body=PEOPLE, limit=10)


def test_parameters_are_found_by_words(account: str, sandbox: Sandbox) -> None:
    found = search_parameters(account, kind="LOCATION", keywords="Springvale", service="CLASSIC")

    assert {item["title"] for item in found} == {"Springvale, Northshire"}
    assert all(isinstance(item["id"], str) for item in found)
    assert sandbox.requests[0].path == (
        f"/api/v1/linkedin/search/parameters?account_id={account}"
        "&type=LOCATION&keywords=Springvale&service=CLASSIC&limit=100"
    )
