"""Cursors of a search, each bound to the account and to what is searched.

Unipile's own holds the whole query, so that it would win over the filters without a word.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from unipile_accounts.payloads.people import Api, Filters

_SALT = "unipile_accounts.search"


class Position(NamedTuple):
    """Where a search goes on; it begins where `cursor`, which is Unipile's, is None."""

    unipile_account_id: str
    api: Api
    # Tells two searches apart. It is empty without filters.
    query: str
    ignored_filters: list[str]
    cursor: str | None = None


def digest(filters: Filters) -> str:
    query = json.dumps(filters, sort_keys=True).encode()
    return hashlib.sha256(query).hexdigest() if filters else ""


def write_cursor(position: Position, unipiles: str) -> str:
    """Return the caller's cursor for Unipile's own."""
    return signing.dumps(position._replace(cursor=unipiles), salt=_SALT, compress=True)


def read_cursor(cursor: str, start: Position) -> Position:
    """Return where a cursor leads. Raises `ValidationError` for one of another search.

    The filters may be left out; they are the cursor's then.
    """
    try:
        position = Position(*signing.loads(cursor, salt=_SALT))
    except signing.BadSignature:
        raise invalid_cursor(_("This is no cursor of ours. Start over without it.")) from None
    if position.unipile_account_id != start.unipile_account_id:
        raise invalid_cursor(_("This cursor belongs to another account. Start over without it."))
    if position.api != start.api:
        raise invalid_cursor(_("The account's plan has changed. Start over without the cursor."))
    if start.query not in ("", position.query):
        raise invalid_cursor(
            _("This cursor belongs to another search. Send the same filters, or start over.")
        )
    return position


def invalid_cursor(message: str) -> ValidationError:
    return ValidationError({"cursor": ValidationError(message, code="invalid_cursor")})
