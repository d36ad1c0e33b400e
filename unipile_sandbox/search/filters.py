"""What the body of a search may hold, as Unipile's schema has it; nothing may be empty.

https://developer.unipile.com/reference/linkedincontroller_search
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from unipile_sandbox.answers import invalid
from unipile_sandbox.search.vocabulary import SENIORITIES

Check = Callable[[object], bool]

COMPANY_TYPES = (
    "public_company",
    "privately_held",
    "non_profit",
    "educational_institution",
    "partnership",
    "self_employed",
    "self_owned",
    "government_agency",
)


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_flag(value: object) -> bool:
    return isinstance(value, bool)


def is_number(value: object) -> bool:
    return type(value) in (int, float)


def matches(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.ASCII))


def one_of(*values: object) -> Check:
    return lambda value: not isinstance(value, bool) and value in values


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def object_of(checks: Mapping[str, Check]) -> Check:
    def check(value: object) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and all(name in checks and checks[name](part) for name, part in value.items())
        )

    return check


def include_exclude(check: Check) -> Check:
    return object_of({"include": list_of(check), "exclude": list_of(check)})


def ranges(least: Collection[int], most: Collection[int]) -> Check:
    return list_of(object_of({"min": one_of(*least), "max": one_of(*most)}))


is_id = matches(r"\d+")
ids = list_of(is_id)
languages = list_of(matches(r".{2}"))
tenure = ranges((0, 1, 3, 6, 10), (1, 2, 5, 10))
lists = include_exclude(matches(r"\d+|ALL"))

CLASSIC: Mapping[str, Check] = {
    "keywords": is_text,
    "industry": ids,
    "location": ids,
    "profile_language": languages,
    "network_distance": list_of(one_of(1, 2, 3)),
    "company": ids,
    "past_company": ids,
    "school": ids,
    "service": ids,
    "connections_of": list_of(is_text),
    "followers_of": list_of(is_text),
    "open_to": list_of(one_of("proBono", "boardMember")),
    "advanced_keywords": object_of(
        dict.fromkeys(("first_name", "last_name", "title", "company", "school"), is_text)
    ),
}
SALES_NAVIGATOR: Mapping[str, Check] = {
    **dict.fromkeys(("keywords", "first_name", "last_name"), is_text),
    **dict.fromkeys(("saved_search_id", "recent_search_id"), is_id),
    **dict.fromkeys(("groups", "persona"), ids),
    **dict.fromkeys(
        ("location", "industry", "school", "company_location", "function", "past_role"),
        include_exclude(is_id),
    ),
    **dict.fromkeys(("company", "past_company", "role"), include_exclude(is_text)),
    **dict.fromkeys(("account_lists", "lead_lists"), lists),
    **dict.fromkeys(("tenure", "tenure_at_company", "tenure_at_role"), tenure),
    **dict.fromkeys(
        (
            "following_your_company",
            "viewed_your_profile_recently",
            "past_colleague",
            "shared_experiences",
            "changed_jobs",
            "posted_on_linkedin",
            "mentionned_in_news",
            "viewed_profile_recently",
            "messaged_recently",
            "include_saved_leads",
            "include_saved_accounts",
        ),
        is_flag,
    ),
    "last_viewed_at": is_number,
    "location_by_postal_code": object_of(
        {"include": ids, "exclude": ids, "within_area": is_number}
    ),
    "profile_language": languages,
    "connections_of": list_of(is_text),
    "network_distance": list_of(one_of(1, 2, 3, "GROUP")),
    "seniority": include_exclude(one_of(*SENIORITIES)),
    "company_type": list_of(one_of(*COMPANY_TYPES)),
    "company_headcount": ranges(
        (1, 11, 51, 201, 501, 1001, 5001, 10001), (10, 50, 200, 500, 1000, 5000, 10000)
    ),
}
APIS = {"classic": CLASSIC, "sales_navigator": SALES_NAVIGATOR}


def check_search(body: Mapping[str, Any]) -> None:
    """Raise RefusedError unless the body is a people search that Unipile takes."""
    api, category = body.get("api"), body.get("category")
    if not isinstance(api, str) or api not in APIS or category != "people":
        raise invalid("This sandbox searches api classic or sales_navigator, category people.")
    for name, value in body.items():
        if name in ("api", "category"):
            continue
        if name not in APIS[api]:
            raise invalid(f"{name} is no filter of api {api}.")
        if not APIS[api][name](value):
            raise invalid(f"{name} is empty or not in the form that api {api} takes.")
