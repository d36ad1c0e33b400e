"""Cursors of a search, each bound to the account and to what is searched.

Unipile's own cursor holds the whole query, so it would silently win over other filters.
"""

from __future__ import annotations

from typing import NamedTuple

from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from unipile_accounts.payloads.people import Api, Filters


class Cursor(NamedTuple):
    """Where a search is. `unipiles` is Unipile's own cursor, which the first page lacks."""

    filters: Filters
    unipiles: str | None = None


def write_cursor(cursor: Cursor, *, unipile_account_id: str, api: Api) -> str:
    return signing.dumps(cursor, salt=_salt(unipile_account_id, api), compress=True)


def read_cursor(text: str, *, unipile_account_id: str, api: Api, filters: Filters) -> Cursor:
    """Return where a cursor leads. Raises `ValidationError` for one of another search.

    The filters may be left out.
    """
    try:
        cursor = Cursor(*signing.loads(text, salt=_salt(unipile_account_id, api)))
    except signing.BadSignature as exc:
        raise invalid_cursor() from exc
    if filters and filters != cursor.filters:
        raise invalid_cursor()
    return cursor


def invalid_cursor() -> ValidationError:
    message = _("The cursor is too old, or of another search. Repeat the search without it.")
    return ValidationError({"cursor": ValidationError(message, code="invalid_cursor")})


def _salt(unipile_account_id: str, api: Api) -> str:
    return f"unipile_accounts.search.{api}.{unipile_account_id}"
