"""Cursors of a search, each signed for the account, its API and what is searched.

Unipile's own cursor holds the whole query, so it would silently win over other filters.
"""

from __future__ import annotations

from django.core import signing
from django.core.exceptions import ValidationError

from unipile_accounts.payloads.people import Search


def write_cursor(search: Search) -> str:
    return signing.dumps([search.filters, search.cursor], salt=_salt(search), compress=True)


def read_cursor(text: str, search: Search) -> Search:
    """Return the page of a search to which a cursor leads. The filters may be left out.

    Raises `ValidationError` for a cursor of another search.
    """
    try:
        filters, cursor = signing.loads(text, salt=_salt(search))
    except signing.BadSignature as exc:
        raise invalid_cursor() from exc
    if search.filters and search.filters != filters:
        raise invalid_cursor()
    return search._replace(filters=filters, cursor=cursor)


def invalid_cursor() -> ValidationError:
    message = "The cursor is too old, or of another search. Repeat the search without it."
    return ValidationError({"cursor": ValidationError(message, code="invalid_cursor")})


def _salt(search: Search) -> str:
    return f"unipile_accounts.search.{search.api}.{search.unipile_account_id}"
