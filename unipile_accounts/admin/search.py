"""What the search box finds besides words, such as an id or a LinkedIn profile."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote
from uuid import UUID

from django.db.models import Q

from unipile_accounts.admin.columns import PROFILE_URL_PREFIX

_HEX_DIGITS = frozenset("0123456789abcdef")
# A name such as Ada is no beginning of an id.
_SHORTEST_ID = 4
_NOTHING = Q(pk__in=[])
# An address however the customer copied it, or only the last part of one.
_PROFILE = re.compile(
    r"\s*(?:(?:https?://)?(?:[a-z]{2,3}\.)?linkedin\.com/(?:mwlite/)?in/([^/?#\s]+)(?:[/?#]\S*)?"
    r"|([^/?#\s]+))\s*",
    re.I,
)


def special_condition(words: str) -> Q:
    """Return what an id or a LinkedIn profile is to be looked up by. Other words match nothing."""
    return _starting_with(words) | _profile(words)


def _starting_with(beginning: str) -> Q:
    """Match ids that begin like this.

    A range uses the primary key's index, and needs no dashes, on every database.
    """
    digits = beginning.strip().replace("-", "").lower()
    if not _SHORTEST_ID <= len(digits) <= 32 or not _HEX_DIGITS.issuperset(digits):
        return _NOTHING
    return Q(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))


def _profile(address: str) -> Q:
    match = _PROFILE.fullmatch(address)
    if not match:
        return _NOTHING
    slug = quote(unquote(match[1] or match[2]), safe="", errors="replace")
    return Q(profile_url__iexact=PROFILE_URL_PREFIX + slug)
