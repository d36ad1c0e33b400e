"""Invented LinkedIn members. The first so many are the same in every run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from unipile_sandbox.search.vocabulary import (
    COMPANIES,
    FIRST_NAMES,
    FUNCTIONS,
    INDUSTRIES,
    JOB_TITLES,
    LANGUAGES,
    LAST_NAMES,
    LOCATIONS,
    SCHOOLS,
    SENIORITIES,
    Service,
    id_of,
)

T = TypeVar("T")
HEADCOUNTS = (4, 30, 120, 400, 800, 3000, 8000, 20_000)
DISTANCES = (*["DISTANCE_1"] * 2, *["DISTANCE_2"] * 5, *["DISTANCE_3"] * 8, "OUT_OF_NETWORK")


@dataclass(frozen=True)
class Member:
    """One of them; places, companies and so on are numbers of the vocabulary."""

    number: int
    first_name: str
    last_name: str
    location: int
    company: int
    past_company: int
    school: int
    function: int
    seniority: str
    language: str
    distance: str
    # In months.
    tenure: int
    tenure_at_company: int
    tenure_at_role: int

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def is_hidden(self) -> bool:
        """LinkedIn does not show the names of those who are out of one's network."""
        return self.distance == "OUT_OF_NETWORK"

    @property
    def slug(self) -> str:
        return f"{self.first_name}-{self.last_name}-{self.number}-example".lower()

    @property
    def industry(self) -> int:
        return self.company % len(INDUSTRIES)

    @property
    def headcount(self) -> int:
        return HEADCOUNTS[self.company % len(HEADCOUNTS)]

    @property
    def role(self) -> str:
        return SENIORITIES[self.seniority].format(FUNCTIONS[self.function])

    @property
    def headline(self) -> str:
        return f"{self.role} at {COMPANIES[self.company]}"

    def member_id(self, service: Service) -> str:
        start = "ACwAAB" if service == "SALES_NAVIGATOR" else "ACoAAB"
        return f"{start}{self.number:0>32}P"

    def ids(self, service: Service) -> dict[str, str]:
        """Return the ids by which the filters of this name find the member."""
        numbers = {
            "location": ("LOCATION", self.location),
            "company_location": ("LOCATION", self.location),
            "industry": ("INDUSTRY", self.industry),
            "company": ("COMPANY", self.company),
            "past_company": ("COMPANY", self.past_company),
            "school": ("SCHOOL", self.school),
            "function": ("DEPARTMENT", self.function),
            "role": ("JOB_TITLE", JOB_TITLES.index(self.role)),
        }
        return {name: id_of(kind, number, service) for name, (kind, number) in numbers.items()}


@cache
def members(count: int) -> Sequence[Member]:
    chance = random.Random(2026)  # noqa: S311
    return [_member(number, chance) for number in range(1, count + 1)]


def _member(number: int, chance: random.Random) -> Member:
    def pick(values: Sequence[T]) -> T:
        # Unlike choice(), random() gives the same in every version of Python.
        return values[int(chance.random() * len(values))]

    tenure = pick(range(3, 300))
    at_company = pick(range(1, tenure + 1))
    return Member(
        number=number,
        first_name=pick(FIRST_NAMES),
        last_name=pick(LAST_NAMES),
        location=pick(range(len(LOCATIONS))),
        company=pick(range(len(COMPANIES))),
        past_company=pick(range(len(COMPANIES))),
        school=pick(range(len(SCHOOLS))),
        function=pick(range(len(FUNCTIONS))),
        seniority=pick(list(SENIORITIES)),
        language=pick(LANGUAGES),
        distance=pick(DISTANCES),
        tenure=tenure,
        tenure_at_company=at_company,
        tenure_at_role=pick(range(1, at_company + 1)),
    )
