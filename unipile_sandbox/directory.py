"""Sixty invented LinkedIn members, and the titles that LinkedIn has ids for."""

from __future__ import annotations

from typing import Any, Literal

Service = Literal["CLASSIC", "SALES_NAVIGATOR"]

# Sixty pairs of them are all different.
FIRST_NAMES = ("Ada", "Bram", "Celia", "Dorian", "Elke", "Farid", "Greta", "Hugo", "Ines", "Joost")
LAST_NAMES = ("Brookfield", "Castellane", "Dunmore", "Farrowby", "Harkwood", "Ivesen")
ROLES = (
    "Director of Sales",
    "Head of Engineering",
    "Marketing Manager",
    "Chief Operating Officer",
    "Director of Finance",
)
# Two places share a title.
LOCATIONS = (
    "Exampletown, Sampleland",
    "Exampleville, Sampleland",
    "São Exemplo, Sampleland",
    "Mockford, Northshire",
    "Springvale, Northshire",
    "Springvale, Northshire",
)
COMPANIES = (
    "Abelling Example Ltd",
    "Brookfield Example Inc",
    "Castellane Example SA",
    "Dunmore Example GmbH",
    "Eklove Example AB",
    "Farrowby Example Ltd",
)
FUNCTIONS = ("Engineering", "Finance", "Marketing", "Operations", "Sales")
INDUSTRIES = ("Software Development", "Financial Services", "Retail")
TITLES = {
    "LOCATION": LOCATIONS,
    "COMPANY": COMPANIES,
    "SCHOOL": ("Example University", "Mockford Institute of Technology"),
    "INDUSTRY": INDUSTRIES,
    "SALES_INDUSTRY": INDUSTRIES,
    "DEPARTMENT": FUNCTIONS,
}


def id_of(kind: str, number: int, service: Service) -> str:
    """Return the id of a title, which is another one in each service."""
    place = list(TITLES).index(kind) + 1
    return str(place * 100_000 + number + (50_000_000 if service == "SALES_NAVIGATOR" else 0))


def people(service: Service) -> list[dict[str, Any]]:
    """Return everybody as items of a search with this service."""
    return [_item(number, service) for number in range(60)]


def place_of(item: dict[str, Any], service: Service) -> str:
    return id_of("LOCATION", LOCATIONS.index(item["location"]), service)


def _item(number: int, service: Service) -> dict[str, Any]:
    first_name, last_name = FIRST_NAMES[number % 10], LAST_NAMES[number // 10]
    role, location = ROLES[number % 5], LOCATIONS[number % 4]
    company = number % len(COMPANIES)
    slug = f"{first_name}-{last_name}-{number}-example".lower()
    # LinkedIn hides the names of members out of one's network.
    is_hidden = number % 20 == 19
    is_classic = service == "CLASSIC"
    member_id = f"{'ACoAAB' if is_classic else 'ACwAAB'}{number:0>32}P"
    public_url = None if is_hidden else f"https://www.linkedin.com/in/{slug}"
    lead_url = f"https://www.linkedin.com/sales/lead/{member_id},NAME_SEARCH,abcd"
    names = {} if is_hidden else {"first_name": first_name, "last_name": last_name}
    position = {
        "company": COMPANIES[company],
        "company_id": id_of("COMPANY", company, service),
        "role": role,
        "location": location,
        "tenure_at_role": {"years": number % 7, "months": 3},
    }
    return {
        "object": "SearchResult",
        "type": "PEOPLE",
        "id": member_id,
        "public_identifier": None if is_hidden else slug,
        "public_profile_url": public_url,
        "profile_url": public_url if is_classic else lead_url,
        "profile_picture_url": None,
        "member_urn": f"urn:li:member:{100_000_000 + number}",
        "name": None if is_hidden else f"{first_name} {last_name}",
        **names,
        "network_distance": "OUT_OF_NETWORK" if is_hidden else "DISTANCE_2",
        "location": location,
        "industry": None,
        "headline": f"{role} at {COMPANIES[company]}",
        "premium": number % 3 == 0,
        "shared_connections_count": number % 7,
        **({} if is_classic else {"current_positions": [position]}),
    }
