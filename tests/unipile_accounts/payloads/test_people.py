from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from unipile_accounts.api.search_serializers import HEADCOUNTS, SENIORITIES, YEARS
from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.payloads.people import (
    FILTERS,
    Api,
    Person,
    Search,
    is_id,
    parameters_of,
    read_parameters,
    read_person,
    search_body,
)

UNIPILES = Draft202012Validator(
    yaml.safe_load(Path(__file__).with_name("people_search.yaml").read_text())
)
WHOLE: dict[str, Any] = {
    "keywords": "growth",
    "firstName": "Perrin",
    "lastName": "Lowe",
    "title": "Director",
    "currentCompany": ["1"],
    "pastCompany": ["2", "3"],
    "location": ["4"],
    "industry": ["5"],
    "school": ["6"],
    "seniorityLevel": ["cxo", "owner/partner"],
    "companyHeadcount": ["11-50", "10001+"],
    "function": ["7"],
    "yearsInCurrentCompany": "3-5",
    "yearsInCurrentPosition": "10+",
}


# --- Bodies ---------------------------------------------------------------------------------------


def body_of(filters: dict[str, Any], api: Api) -> dict[str, Any]:
    return search_body(Search("id", api, filters).used_filters, api=api)


def test_classic_takes_plain_lists_and_its_own_keywords() -> None:
    assert body_of(WHOLE, "classic") == {
        "api": "classic",
        "category": "people",
        "keywords": "growth",
        "advanced_keywords": {"first_name": "Perrin", "last_name": "Lowe", "title": "Director"},
        "company": ["1"],
        "past_company": ["2", "3"],
        "location": ["4"],
        "industry": ["5"],
        "school": ["6"],
    }


def test_sales_navigator_includes_and_takes_ranges() -> None:
    assert body_of(WHOLE, "sales_navigator") == {
        "api": "sales_navigator",
        "category": "people",
        "keywords": "growth",
        "first_name": "Perrin",
        "last_name": "Lowe",
        "role": {"include": ["Director"]},
        "company": {"include": ["1"]},
        "past_company": {"include": ["2", "3"]},
        "location": {"include": ["4"]},
        "industry": {"include": ["5"]},
        "school": {"include": ["6"]},
        "seniority": {"include": ["cxo", "owner/partner"]},
        "company_headcount": [{"min": 11, "max": 50}, {"min": 10001}],
        "function": {"include": ["7"]},
        "tenure_at_company": [{"min": 3, "max": 5}],
        "tenure_at_role": [{"min": 10}],
    }


def test_classic_names_what_it_cannot_filter_by() -> None:
    assert Search("id", "classic", WHOLE).ignored_filters == list(WHOLE)[9:]
    assert Search("id", "sales_navigator", WHOLE).ignored_filters == []
    assert set(WHOLE) == set(FILTERS)


@pytest.mark.parametrize("api", ["classic", "sales_navigator"])
def test_body_of_every_choice_is_taken(api: Api) -> None:
    choices: dict[str, Any] = {
        "seniorityLevel": list(SENIORITIES),
        "companyHeadcount": list(HEADCOUNTS),
    }
    for years in YEARS:
        UNIPILES.validate(body_of({**WHOLE, **choices, "yearsInCurrentCompany": years}, api))


# --- Items ----------------------------------------------------------------------------------------

POSITION = {"company": "Lowe Example Ltd", "company_id": "1000101", "role": "Operations lead"}
ITEM: dict[str, Any] = {
    "object": "SearchResult",
    "type": "PEOPLE",
    "id": "ACwAAB101X",
    "public_identifier": "perrin-lowe-example",
    "public_profile_url": "https://www.linkedin.com/in/perrin-lowe-example",
    "profile_url": "https://www.linkedin.com/sales/lead/ACwAAB101X,NAME_SEARCH,abcd",
    "profile_picture_url": None,
    "name": "Perrin Lowe",
    "first_name": "Perrin",
    "last_name": "Lowe",
    "location": "Exampletown",
    "headline": "Operations lead",
    "shared_connections_count": 3,
    "current_positions": [POSITION],
    "premium": True,
}
PERSON: Person = {
    "object": "SearchPeopleItem",
    "provider_id": "ACwAAB101X",
    "public_identifier": "perrin-lowe-example",
    "first_name": "Perrin",
    "last_name": "Lowe",
    "headline": "Operations lead",
    "profile_url": "https://www.linkedin.com/in/perrin-lowe-example",
    "profile_picture_url": None,
    "location": "Exampletown",
    "current_company_name": "Lowe Example Ltd",
    "current_company_linkedin_url": "https://www.linkedin.com/company/1000101",
    "mutual_connections_count": 3,
}
NO_COMPANY = {"current_company_name": None, "current_company_linkedin_url": None}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"current_positions": []}, NO_COMPANY),
        (
            {"current_positions": [{**POSITION, "company_id": "../admin"}]},
            {"current_company_linkedin_url": None},
        ),
        (
            {"public_profile_url": None},
            {"profile_url": "https://www.linkedin.com/sales/lead/ACwAAB101X,NAME_SEARCH,abcd"},
        ),
        ({"first_name": None, "last_name": None}, {}),
        (
            {"first_name": None, "last_name": None, "name": None},
            {"first_name": None, "last_name": None},
        ),
        ({"headline": "\ud83d lead\0"}, {"headline": "lead"}),
    ],
)
def test_item_is_read_in_our_words(change: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_person(ITEM | change) == PERSON | expected


@pytest.mark.parametrize(
    "item",
    [
        "hidden",
        ITEM | {"type": "COMPANY"},
        ITEM | {"id": None},
        ITEM | {"current_positions": ["hidden"]},
    ],
)
def test_unexpected_item_is_an_error_without_words(item: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer) as caught:
        read_person(item)

    assert "hidden" not in str(caught.value)


# --- Parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "api", "kind"),
    [
        ("pastCompany", "classic", "COMPANY"),
        ("industry", "classic", "INDUSTRY"),
        ("industry", "sales_navigator", "SALES_INDUSTRY"),
        ("function", "sales_navigator", "DEPARTMENT"),
    ],
)
def test_each_filter_has_a_list_by_api(field: str, api: Api, kind: str) -> None:
    assert parameters_of(field, api=api) == {"kind": kind, "service": api.upper()}


def test_parameters_are_read_with_their_ids() -> None:
    items: list[Any] = [
        {"object": "LinkedinSearchParameter", "id": "105", "title": "Exampletown"},
        {"id": "106", "title": " "},
        {"id": "urn:107", "title": "Exampleville"},
    ]

    assert read_parameters(items) == {"105": "Exampletown"}


@pytest.mark.parametrize("item", [None, {"id": 5, "title": "x"}])
def test_parameter_that_is_not_promised_is_an_error(item: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer):
        read_parameters([item])


@pytest.mark.parametrize(("value", "expected"), [("105", True), ("", False), ("٣", False)])
def test_id_is_made_of_digits(value: str, expected: bool) -> None:
    assert is_id(value) is expected
