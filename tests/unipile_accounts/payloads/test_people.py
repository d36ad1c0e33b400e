from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.payloads.people import (
    FILTERS,
    Api,
    Parameter,
    Person,
    by_id,
    ignored_filters,
    is_id,
    read_parameters,
    read_people,
    search_body,
)
from unipile_accounts.search_choices import HEADCOUNTS, SENIORITIES, YEARS

UNIPILES = Draft202012Validator(
    yaml.safe_load(Path(__file__).with_name("people_search.yaml").read_text())
)
ONLY_SALES_NAVIGATOR = [
    "seniorityLevel",
    "companyHeadcount",
    "function",
    "yearsInCurrentCompany",
    "yearsInCurrentPosition",
]
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


def test_classic_takes_plain_lists_and_its_own_keywords() -> None:
    assert search_body(WHOLE, api="classic") == {
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
    assert search_body(WHOLE, api="sales_navigator") == {
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
    assert ignored_filters(WHOLE, api="classic") == ONLY_SALES_NAVIGATOR
    assert ignored_filters(WHOLE, api="sales_navigator") == []
    assert set(WHOLE) == set(FILTERS)


ids = st.lists(st.from_regex(r"[0-9]{1,12}", fullmatch=True), min_size=1, max_size=4)
words = st.text(min_size=1, max_size=20).filter(str.strip)
filters = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("keywords", "firstName", "lastName", "title"), words),
        **dict.fromkeys(filter(by_id, FILTERS), ids),
        "seniorityLevel": st.lists(st.sampled_from(SENIORITIES), min_size=1),
        "companyHeadcount": st.lists(st.sampled_from(list(HEADCOUNTS)), min_size=1),
        "yearsInCurrentCompany": st.sampled_from(list(YEARS)),
        "yearsInCurrentPosition": st.sampled_from(list(YEARS)),
    },
)
apis: st.SearchStrategy[Api] = st.sampled_from(["classic", "sales_navigator"])


def parts_of(body: Any) -> list[Any]:
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return [body, *(part for each in inner for part in parts_of(each))]


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(filters=filters, api=apis)
def test_every_body_is_one_that_unipile_takes(filters: dict[str, Any], api: Api) -> None:
    body = search_body(filters, api=api)

    UNIPILES.validate(body)
    assert not [part for part in parts_of(body) if part in ("", [], {}, None)]
    # Each filter is in the body or named as ignored.
    sent = len(body) - 2 + max(0, len(body.get("advanced_keywords", ())) - 1)
    assert sent + len(ignored_filters(filters, api=api)) == len(filters)


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
PERSON = Person(
    provider_id="ACwAAB101X",
    public_identifier="perrin-lowe-example",
    first_name="Perrin",
    last_name="Lowe",
    headline="Operations lead",
    profile_url="https://www.linkedin.com/in/perrin-lowe-example",
    profile_picture_url=None,
    location="Exampletown",
    current_company_name="Lowe Example Ltd",
    current_company_linkedin_url="https://www.linkedin.com/company/1000101",
    mutual_connections_count=3,
)
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
        ({"public_profile_url": None, "profile_url": None}, {"profile_url": None}),
        ({"first_name": None, "last_name": None}, {}),
        ({"first_name": None, "last_name": None, "name": "Perrin"}, {"last_name": None}),
        (
            {"first_name": None, "last_name": None, "name": None},
            {"first_name": None, "last_name": None},
        ),
        ({"headline": "\ud83d lead\0"}, {"headline": "lead"}),
        ({"headline": ""}, {"headline": None}),
        ({"shared_connections_count": None}, {"mutual_connections_count": None}),
    ],
)
def test_item_is_read_in_our_words(change: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_people([ITEM | change], about="a search") == [PERSON._replace(**expected)]


@pytest.mark.parametrize(
    "item",
    [
        None,
        "hidden",
        ITEM | {"type": "COMPANY"},
        ITEM | {"id": 5},
        ITEM | {"headline": ["hidden"]},
        ITEM | {"shared_connections_count": "hidden"},
        ITEM | {"current_positions": ["hidden"]},
    ],
)
def test_unexpected_item_is_an_error_without_words(item: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer) as caught:
        read_people([ITEM, item], about="a search")

    assert "hidden" not in str(caught.value)


# --- Parameters -----------------------------------------------------------------------------------


def test_parameters_are_read_once_with_an_id() -> None:
    items: list[Any] = [
        {"object": "LinkedinSearchParameter", "id": "105", "title": "Exampletown"},
        {"id": "105", "title": "Exampletown"},
        {"id": "106", "title": " "},
        {"id": "urn:107", "title": "Exampleville"},
    ]

    assert read_parameters(items) == [Parameter("105", "Exampletown")]


@pytest.mark.parametrize("item", [None, {"id": 5, "title": "x"}, {"id": "5", "title": 5}])
def test_parameter_that_is_not_promised_is_an_error(item: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer):
        read_parameters([item])


@pytest.mark.parametrize(
    ("value", "expected"), [("105", True), ("", False), ("٣", False), ("1 5", False), ("²", False)]
)
def test_id_is_made_of_digits(value: str, expected: bool) -> None:
    assert is_id(value) is expected
