"""Cursors of a search, which hold the account and the whole query as Unipile's do."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

from unipile_sandbox.answers import encode, invalid
from unipile_sandbox.search.filters import check_search


class Position(NamedTuple):
    account_id: str
    limit: int
    start: int
    query: dict[str, Any]


def write_cursor(position: Position) -> str:
    return urlsafe_b64encode(encode(position._asdict())).decode()


def read_cursor(cursor: object, account_id: str) -> Position:
    """Return where the search goes on. Raises RefusedError, also for another account's cursor."""
    try:
        position = Position(**json.loads(urlsafe_b64decode(str(cursor))))
        check_search(position.query)
        is_known = cursor == write_cursor(position) and position.start > 0
    except (ValueError, TypeError, AttributeError, RecursionError):
        is_known = False
    if not is_known:
        raise invalid("cursor is not one that this search has given.")
    if position.account_id != account_id:
        raise invalid("cursor belongs to another account.")
    return position
