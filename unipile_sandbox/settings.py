"""How the list of accounts and the search behave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ListingSettings:
    """How the list of accounts behaves; a test may change any of it."""

    # Behind the last account come empty pages, each with a cursor that is new.
    endless: bool = False
    # So many new accounts appear after a page was made, for the next `growths` pages.
    grow_by: int = 0
    growths: int = 1
    # New accounts stand first and move all others, or stand last.
    newest_first: bool = False


@dataclass
class SearchSettings:
    """How many people there are, and how many of them a search shows."""

    people: int = 400
    classic_ceiling: int = 1000
    sales_navigator_ceiling: int = 2500
    # Classic does not fill larger pages.
    classic_page: int = 50
