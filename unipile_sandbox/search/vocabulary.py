"""The words that people are described and found by, with the ids that LinkedIn would give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Service = Literal["CLASSIC", "SALES_NAVIGATOR"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Ada Bram Celia Dorian Elke Farid Greta Hugo Ines Joost Kaya Leander Mina Noam Orla Piet "
    "Quirin Rosa Selma Tariq Ulla Vito Wanda Yara Zeno"
)
LAST_NAMES = _words(
    "Abelling Brookfield Castellane Dunmore Eklove Farrowby Gildenhall Harkwood Ivesen Jorvik "
    "Kestrelman Lowenthorpe Marchbank Northcote Oakhurst Pellworm Quillfeather Rosendale "
    "Samplesson Thornfield Umberland Vestermark Wrenfield Yarrowby"
)
# Two places share a title, and so do two companies.
LOCATIONS = (
    "Exampletown, Sampleland",
    "Exampleville, Sampleland",
    "Port Specimen, Sampleland",
    "Greater Mockford Area",
    "Mockford, Northshire",
    "Mockford, Southshire",
    "Testburg, Northshire",
    "Placeholm, Southshire",
    "Springvale, Northshire",
    "Springvale, Northshire",
)
INDUSTRIES = (
    "Software Development",
    "Financial Services",
    "Hospitals and Health Care",
    "Advertising Services",
    "Manufacturing",
    "Retail",
    "Higher Education",
    "Construction",
)
COMPANIES = (
    "Abelling Example Ltd",
    "Brookfield Example Inc",
    "Castellane Example SA",
    "Dunmore Example GmbH",
    "Eklove Example AB",
    "Farrowby Example Ltd",
    "Gildenhall Example BV",
    "Harkwood Example Inc",
    "Ivesen Example AS",
    "Jorvik Example ApS",
    "Lowenthorpe Example Ltd",
    "Marchbank Example plc",
    "Oakhurst Example Inc",
    "Pellworm Example GmbH",
    "Rosendale Example Ltd",
    "Rosendale Example Ltd",
)
SCHOOLS = (
    "Example University",
    "Mockford Institute of Technology",
    "Placeholm Business School",
    "Sampleland Academy of Arts",
    "University of Testburg",
)
FUNCTIONS = (
    "Engineering",
    "Sales",
    "Marketing",
    "Operations",
    "Finance",
    "Human Resources",
    "Information Technology",
    "Product Management",
)
# Unipile's word for a seniority, and the job title that goes with it.
SENIORITIES: Mapping[str, str] = {
    "owner/partner": "Founder and {}",
    "cxo": "Chief of {}",
    "vice_president": "Vice President of {}",
    "director": "Director of {}",
    "experienced_manager": "Head of {}",
    "entry_level_manager": "{} Manager",
    "strategic": "Principal {} Strategist",
    "senior": "Senior {} Specialist",
    "entry_level": "{} Associate",
    "in_training": "{} Intern",
}
JOB_TITLES = tuple(
    pattern.format(function) for pattern in SENIORITIES.values() for function in FUNCTIONS
)
LANGUAGES = ("en", "de", "fr", "es")

TITLES: Mapping[str, tuple[str, ...]] = {
    "LOCATION": LOCATIONS,
    "INDUSTRY": INDUSTRIES,
    "COMPANY": COMPANIES,
    "SCHOOL": SCHOOLS,
    "DEPARTMENT": FUNCTIONS,
    "JOB_TITLE": JOB_TITLES,
}
# The same list under another name.
ALIASES = {"SALES_INDUSTRY": "INDUSTRY", "JOB_FUNCTION": "DEPARTMENT"}


def id_of(kind: str, number: int, service: Service) -> str:
    """Return the id of a title, which is another one in each service."""
    place = list(TITLES).index(kind) + 1
    return str(place * 100_000 + number + (50_000_000 if service == "SALES_NAVIGATOR" else 0))
