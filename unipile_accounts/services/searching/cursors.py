"""Cursors of a search, each bound to the account and to what is searched.

Unipile's own cursor holds the whole query, so it would silently win over other filters.
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


class Cursor(NamedTuple):
    """Where a search goes on. `unipiles` is Unipile's own cursor."""

    unipile_account_id: str
    api: Api
    # Tells two searches apart.
    query: str
    ignored_filters: list[str]
    unipiles: str


def digest(filters: Filters) -> str:
    return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()


def write_cursor(cursor: Cursor) -> str:
    return signing.dumps(cursor, salt=_SALT, compress=True)


def read_cursor(text: str, *, unipile_account_id: str, api: Api, filters: Filters) -> Cursor:
    """Return where a cursor leads. Raises `ValidationError` for one of another search.

    The filters may be left out.
    """
    try:
        cursor = Cursor(*signing.loads(text, salt=_SALT))
    except signing.BadSignature:
        raise invalid_cursor(_("The cursor is invalid. Repeat the search without it.")) from None
    if cursor.unipile_account_id != unipile_account_id:
        raise invalid_cursor(_("This cursor belongs to another account. Start over without it."))
    if cursor.api != api:
        raise invalid_cursor(_("The account's plan has changed. Start over without the cursor."))
    if filters and cursor.query != digest(filters):
        raise invalid_cursor(
            _("This cursor belongs to another search. Send the same filters, or start over.")
        )
    return cursor


def invalid_cursor(message: str) -> ValidationError:
    return ValidationError({"cursor": ValidationError(message, code="invalid_cursor")})
