"""Translate a search for people into Unipile's body, and its items into ours.

https://developer.unipile.com/reference/linkedincontroller_search
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from unipile_accounts.payloads.fields import Fields, storable

Api = Literal["classic", "sales_navigator"]
Filters = Mapping[str, str | list[str]]
# Somebody who was found, in the words of the public page. None is what LinkedIn does not show.
Person = dict[str, str | int | None]


class Filter(NamedTuple):
    """Where a filter of ours goes in each API's body. Classic lacks some."""

    classic: str | None
    sales_navigator: str
    # The kind of search parameters in which LinkedIn has its ids.
    kind: str | None = None
    is_range: bool = False

    def path(self, api: Api) -> str | None:
        return self.classic if api == "classic" else self.sales_navigator


FILTERS = {
    "keywords": Filter("keywords", "keywords"),
    "firstName": Filter("advanced_keywords.first_name", "first_name"),
    "lastName": Filter("advanced_keywords.last_name", "last_name"),
    "title": Filter("advanced_keywords.title", "role.include"),
    "currentCompany": Filter("company", "company.include", kind="COMPANY"),
    "pastCompany": Filter("past_company", "past_company.include", kind="COMPANY"),
    "location": Filter("location", "location.include", kind="LOCATION"),
    "industry": Filter("industry", "industry.include", kind="INDUSTRY"),
    "school": Filter("school", "school.include", kind="SCHOOL"),
    "seniorityLevel": Filter(None, "seniority.include"),
    "companyHeadcount": Filter(None, "company_headcount", is_range=True),
    "function": Filter(None, "function.include", kind="DEPARTMENT"),
    "yearsInCurrentCompany": Filter(None, "tenure_at_company", is_range=True),
    "yearsInCurrentPosition": Filter(None, "tenure_at_role", is_range=True),
}
LARGEST_PAGES: Mapping[Api, int] = {"classic": 50, "sales_navigator": 100}


class Search(NamedTuple):
    """A search for people through an account, and where it is a further page, Unipile's cursor."""

    unipile_account_id: str
    api: Api
    filters: Filters
    cursor: str | None = None

    @property
    def used_filters(self) -> Filters:
        return {name: self.filters[name] for name in self.filters if FILTERS[name].path(self.api)}

    @property
    def ignored_filters(self) -> list[str]:
        """Return the filters that this API does not have."""
        return [name for name in self.filters if name not in self.used_filters]


def search_body(filters: Filters, *, api: Api) -> dict[str, Any]:
    """Return the body for filters that this API has, in which names are ids already."""
    body: dict[str, Any] = {"api": api, "category": "people"}
    for name, value in filters.items():
        *parents, key = str(FILTERS[name].path(api)).split(".")
        inside = body
        for parent in parents:
            inside = inside.setdefault(parent, {})
        inside[key] = _unipiles(value, key=key, is_range=FILTERS[name].is_range)
    return body


def _unipiles(value: str | list[str], *, key: str, is_range: bool) -> Any:
    words = [value] if isinstance(value, str) else value
    if is_range:
        return [_range(word) for word in words]
    return words if key == "include" else value


def _range(word: str) -> dict[str, int]:
    """Return the range that a choice such as 11-50 or 10+ stands for."""
    least, _, most = word.removesuffix("+").partition("-")
    return {"min": int(least)} | ({"max": int(most)} if most else {})


def parameters_of(field: str, *, api: Api) -> dict[str, str]:
    """Return the kind and service of the search parameters that hold the ids of a filter."""
    kind = str(FILTERS[field].kind)
    if api == "sales_navigator" and kind == "INDUSTRY":
        kind = "SALES_INDUSTRY"
    return {"kind": kind, "service": api.upper()}


def by_id(field: str) -> bool:
    """Return whether LinkedIn has ids for the words of a filter."""
    return FILTERS[field].kind is not None


def is_id(value: str) -> bool:
    return value.isascii() and value.isdigit()


def read_parameters(items: list[Any]) -> dict[str, str]:
    """Return the title of each id that can be chosen. Raises `UnipileUnexpectedAnswer`."""
    titles = {}
    for item in items:
        fields = Fields(item, about="search parameters")
        parameter_id, title = fields.text("id") or "", _text(fields, "title")
        if is_id(parameter_id) and title:
            titles[parameter_id] = title
    return titles


def read_person(found: Any) -> Person:
    """Raises `UnipileUnexpectedAnswer` for anything that Unipile does not promise."""
    item = Fields(found, about="a search for people")
    provider_id = _text(item, "id")
    if item.text("type") != "PEOPLE" or provider_id is None:
        raise item.unexpected("an item that is no person")
    # Only the whole name is sure to be there.
    first_name, _, last_name = (_text(item, "name") or "").partition(" ")
    positions = item.objects("current_positions")
    position = positions[0] if positions else Fields({}, about="no position")
    company_id = position.text("company_id") or ""
    return {
        "object": "SearchPeopleItem",
        "provider_id": provider_id,
        "public_identifier": _text(item, "public_identifier"),
        "first_name": _text(item, "first_name") or first_name or None,
        "last_name": _text(item, "last_name") or last_name or None,
        "headline": _text(item, "headline"),
        # Sales Navigator's own address is of use to its subscribers only.
        "profile_url": _text(item, "public_profile_url") or _text(item, "profile_url"),
        "profile_picture_url": _text(item, "profile_picture_url"),
        "location": _text(item, "location"),
        "current_company_name": _text(position, "company"),
        "current_company_linkedin_url": (
            f"https://www.linkedin.com/company/{company_id}" if is_id(company_id) else None
        ),
        "mutual_connections_count": item.number("shared_connections_count"),
    }


def _text(item: Fields, key: str) -> str | None:
    return storable(item.text(key) or "") or None
