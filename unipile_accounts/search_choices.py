"""What a search can be narrowed to by choice, in the words of the public page."""

from __future__ import annotations

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
HEADCOUNTS = (
    "1-10",
    "11-50",
    "51-200",
    "201-500",
    "501-1000",
    "1001-5000",
    "5001-10000",
    "10001+",
)
YEARS = ("0-1", "1-2", "3-5", "6-10", "10+")
