"""What the search box finds besides words: an account's own id, and a LinkedIn address."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote
from uuid import UUID

from django.db.models import Q

from unipile_accounts.admin.columns import PROFILE_URL_PREFIX

_HEX_DIGITS = frozenset("0123456789abcdef")
# A name such as Ada is no beginning of an id.
_SHORTEST_ID = 4
_PROFILE = re.compile(
    r"\s*(?:https?://)?(?:[a-z]{2,3}\.)?linkedin\.com/(?:mwlite/)?in/([^/?#\s]+)(?:[/?#]\S*)?\s*",
    re.I,
)


def special_condition(words: str) -> Q | None:
    """Return what an id or a LinkedIn address is to be looked up by; None for other words."""
    return _starting_with(words) or _profile(words)


def _starting_with(beginning: str) -> Q | None:
    """Match ids that begin like this.

    A range uses the primary key's index, and needs no dashes, on every database.
    """
    digits = beginning.strip().replace("-", "").lower()
    if not _SHORTEST_ID <= len(digits) <= 32 or not _HEX_DIGITS.issuperset(digits):
        return None
    return Q(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))


def _profile(address: str) -> Q | None:
    """Match the profile however the customer copied its address."""
    match = _PROFILE.fullmatch(address)
    if not match:
        return None
    slug = quote(unquote(match[1]), safe="", errors="replace")
    return Q(profile_url__iexact=PROFILE_URL_PREFIX + slug)
