from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from unipile_accounts.models import UnipileAccount

_HEX_DIGITS = frozenset("0123456789abcdef")
# A name such as Ada is no beginning of an id.
_SHORTEST_ID = 4


def starting_with(
    beginning: str, accounts: QuerySet[UnipileAccount]
) -> QuerySet[UnipileAccount] | None:
    """Return the accounts whose id begins like this, or None if no id does.

    A range uses the primary key's index, and needs no dashes, on every database.
    """
    digits = beginning.strip().replace("-", "").lower()
    if not _SHORTEST_ID <= len(digits) <= 32 or not _HEX_DIGITS.issuperset(digits):
        return None
    return accounts.filter(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))
