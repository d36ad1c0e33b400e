"""Which members a search finds. Filters that nothing is known about narrow nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unipile_sandbox.search.directory import Member
from unipile_sandbox.search.vocabulary import COMPANIES, SCHOOLS, Service

DISTANCES = {1: "DISTANCE_1", 2: "DISTANCE_2", 3: "DISTANCE_3"}


def fits(member: Member, query: Mapping[str, Any], service: Service) -> bool:
    return all(
        _FILTERS[name](member, value, name, service)
        for name, value in query.items()
        if name in _FILTERS
    )


def _texts(member: Member) -> dict[str, str]:
    return {
        "first_name": "" if member.is_hidden else member.first_name,
        "last_name": "" if member.is_hidden else member.last_name,
        "title": member.role,
        "role": member.role,
        "company": COMPANIES[member.company],
        "past_company": COMPANIES[member.past_company],
        "school": SCHOOLS[member.school],
    }


def _has_words(member: Member, words: str, *_: object) -> bool:
    known = " ".join(_texts(member).values()).lower()
    return all(word in known for word in words.lower().split())


def _has_text(member: Member, text: str, name: str, *_: object) -> bool:
    return text.lower() in _texts(member)[name].lower()


def _has_texts(member: Member, texts: Mapping[str, str], *_: object) -> bool:
    return all(_has_text(member, text, name) for name, text in texts.items())


def _is_one(member: Member, wanted: Any, name: str, service: Service) -> bool:
    """Compare ids, and where Sales Navigator takes them, texts."""
    if isinstance(wanted, list):
        wanted = {"include": wanted}

    def is_it(value: str) -> bool:
        if value.isdigit():
            return value == member.ids(service)[name]
        return _has_text(member, value, name)

    return _included(is_it, wanted)


def _has_seniority(member: Member, wanted: Mapping[str, list[str]], *_: object) -> bool:
    return _included(lambda value: value == member.seniority, wanted)


def _included(is_it: Callable[[str], bool], wanted: Mapping[str, list[str]]) -> bool:
    if any(map(is_it, wanted.get("exclude", ()))):
        return False
    return "include" not in wanted or any(map(is_it, wanted["include"]))


def _is_near(member: Member, distances: list[object], *_: object) -> bool:
    return member.distance in [DISTANCES.get(distance) for distance in distances]  # type: ignore[call-overload]


def _speaks(member: Member, languages: list[str], *_: object) -> bool:
    return member.language in languages


def _has_tenure(member: Member, ranges: list[dict[str, int]], name: str, *_: object) -> bool:
    return _within(getattr(member, name) / 12, ranges)


def _has_headcount(member: Member, ranges: list[dict[str, int]], *_: object) -> bool:
    return _within(member.headcount, ranges)


def _within(value: float, ranges: list[dict[str, int]]) -> bool:
    return any(
        limits.get("min", 0) <= value <= limits.get("max", float("inf")) for limits in ranges
    )


_FILTERS: Mapping[str, Callable[[Member, Any, str, Service], bool]] = {
    "keywords": _has_words,
    "advanced_keywords": _has_texts,
    **dict.fromkeys(("first_name", "last_name"), _has_text),
    **dict.fromkeys(
        (
            "location",
            "company_location",
            "industry",
            "company",
            "past_company",
            "school",
            "function",
            "role",
        ),
        _is_one,
    ),
    **dict.fromkeys(("tenure", "tenure_at_company", "tenure_at_role"), _has_tenure),
    "seniority": _has_seniority,
    "network_distance": _is_near,
    "profile_language": _speaks,
    "company_headcount": _has_headcount,
}
