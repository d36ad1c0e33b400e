"""What a search can be narrowed to by choice, in the words of the public page."""

from __future__ import annotations

from collections.abc import Mapping

Range = Mapping[str, int]

SENIORITIES = (
    "owner/partner",
    "cxo",
    "vice_president",
    "director",
    "experienced_manager",
    "entry_level_manager",
    "strategic",
    "senior",
    "entry_level",
    "in_training",
)
# Each with the range that Unipile takes for it.
HEADCOUNTS: Mapping[str, Range] = {
    "1-10": {"min": 1, "max": 10},
    "11-50": {"min": 11, "max": 50},
    "51-200": {"min": 51, "max": 200},
    "201-500": {"min": 201, "max": 500},
    "501-1000": {"min": 501, "max": 1000},
    "1001-5000": {"min": 1001, "max": 5000},
    "5001-10000": {"min": 5001, "max": 10000},
    "10001+": {"min": 10001},
}
YEARS: Mapping[str, Range] = {
    "0-1": {"min": 0, "max": 1},
    "1-2": {"min": 1, "max": 2},
    "3-5": {"min": 3, "max": 5},
    "6-10": {"min": 6, "max": 10},
    "10+": {"min": 10},
}
