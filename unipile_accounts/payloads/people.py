"""Translate a search for people into Unipile's body, and its items into ours.

https://developer.unipile.com/reference/linkedincontroller_search
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from unipile_accounts.payloads.fields import Fields, storable
from unipile_accounts.search_choices import HEADCOUNTS, YEARS, Range

Api = Literal["classic", "sales_navigator"]
Filters = Mapping[str, str | list[str]]

COMPANY_URL_PREFIX = "https://www.linkedin.com/company/"


class Filter(NamedTuple):
    """Where a filter of ours goes in each API's body. Classic lacks some."""

    classic: str | None
    sales_navigator: str
    # The kind of search parameters in which LinkedIn has its ids.
    kind: str | None = None
    ranges: Mapping[str, Range] | None = None

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
    "companyHeadcount": Filter(None, "company_headcount", ranges=HEADCOUNTS),
    "function": Filter(None, "function.include", kind="DEPARTMENT"),
    "yearsInCurrentCompany": Filter(None, "tenure_at_company", ranges=YEARS),
    "yearsInCurrentPosition": Filter(None, "tenure_at_role", ranges=YEARS),
}
LARGEST_PAGES: Mapping[Api, int] = {"classic": 50, "sales_navigator": 100}


class Person(NamedTuple):
    """Somebody who was found. None stands for what LinkedIn does not show."""

    provider_id: str
    public_identifier: str | None
    first_name: str | None
    last_name: str | None
    headline: str | None
    profile_url: str | None
    profile_picture_url: str | None
    location: str | None
    current_company_name: str | None
    current_company_linkedin_url: str | None
    mutual_connections_count: int | None


class Parameter(NamedTuple):
    """Something that LinkedIn knows by an id, such as a place or a company."""

    id: str
    title: str


def search_body(filters: Filters, *, api: Api) -> dict[str, Any]:
    """Return the body for these filters, in which names are ids already."""
    body: dict[str, Any] = {"api": api, "category": "people"}
    for name, value in filters.items():
        if path := FILTERS[name].path(api):
            *parents, key = path.split(".")
            inside = body
            for parent in parents:
                inside = inside.setdefault(parent, {})
            inside[key] = _unipiles(name, value, as_list=key == "include")
    return body


def ignored_filters(filters: Filters, *, api: Api) -> list[str]:
    """Return the filters that this API does not have."""
    return [name for name in filters if FILTERS[name].path(api) is None]


def parameters_of(field: str, *, api: Api) -> dict[str, str]:
    """Return the kind and service of the search parameters that hold the ids of a filter."""
    kind = FILTERS[field].kind
    if api == "classic":
        return {"kind": str(kind), "service": "CLASSIC"}
    kind = "SALES_INDUSTRY" if kind == "INDUSTRY" else kind
    return {"kind": str(kind), "service": "SALES_NAVIGATOR"}


def _unipiles(name: str, value: str | list[str], *, as_list: bool) -> Any:
    words = [value] if isinstance(value, str) else value
    if ranges := FILTERS[name].ranges:
        return [ranges[word] for word in words]
    return words if as_list else value


def by_id(field: str) -> bool:
    """Return whether LinkedIn has ids for the words of a filter."""
    return FILTERS[field].kind is not None


def is_id(value: str) -> bool:
    return value.isascii() and value.isdigit()


def read_parameters(items: list[Any]) -> list[Parameter]:
    """Return what can be chosen, each once. Raises `UnipileUnexpectedAnswer`."""
    about = "search parameters"
    found = []
    for item in items:
        fields = Fields(item, about=about)
        parameter_id, title = fields.text("id"), storable(fields.text("title") or "")
        if parameter_id is None:
            raise fields.unexpected("no id")
        if is_id(parameter_id) and title:
            found.append(Parameter(parameter_id, title))
    return list(dict.fromkeys(found))


def read_people(items: list[Any], *, about: str) -> list[Person]:
    """Raises `UnipileUnexpectedAnswer` for anything that Unipile does not promise."""
    return [_read_person(Fields(item, about=about)) for item in items]


def _read_person(item: Fields) -> Person:
    provider_id = _text(item, "id")
    if item.text("type") != "PEOPLE" or provider_id is None:
        raise item.unexpected("an item that is no person")
    first_name, last_name = _names(item)
    positions = item.objects("current_positions")
    company_id = positions[0].text("company_id") if positions else None
    return Person(
        provider_id=provider_id,
        public_identifier=_text(item, "public_identifier"),
        first_name=first_name,
        last_name=last_name,
        headline=_text(item, "headline"),
        # Sales Navigator's own address is of use to its subscribers only.
        profile_url=_text(item, "public_profile_url") or _text(item, "profile_url"),
        profile_picture_url=_text(item, "profile_picture_url"),
        location=_text(item, "location"),
        current_company_name=_text(positions[0], "company") if positions else None,
        current_company_linkedin_url=(
            COMPANY_URL_PREFIX + company_id if company_id and is_id(company_id) else None
        ),
        mutual_connections_count=item.number("shared_connections_count"),
    )


def _names(item: Fields) -> tuple[str | None, str | None]:
    first_name, last_name = _text(item, "first_name"), _text(item, "last_name")
    if first_name or last_name:
        return first_name, last_name
    # Only the whole name is sure to be there.
    first_name, _, last_name = (_text(item, "name") or "").partition(" ")
    return first_name or None, last_name or None


def _text(item: Fields, key: str) -> str | None:
    return storable(item.text(key) or "") or None
