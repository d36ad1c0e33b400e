"""Unipile's side: https://developer.unipile.com/reference/accountscontroller_listaccounts."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import parse_qs, unquote

from unipile_sandbox.accounts import AccountStore, UnknownAccountError
from unipile_sandbox.answers import Answer, error

ACCOUNTS = "/api/v1/accounts"
DEFAULT_LIMIT = 100
MAX_LIMIT = 250


def answer(method: str, target: str, key: str | None, store: AccountStore, api_key: str) -> Answer:
    path, _, query = target.partition("?")
    # An id is taken apart before it is decoded: it may hold an encoded slash.
    folder, _, quoted_id = path.rpartition("/")
    is_read = folder == ACCOUNTS
    if path != ACCOUNTS and not is_read:
        return error(404, "There is no such route.")
    if key != api_key:
        return error(401)
    if method != "GET":
        return error(405, headers={"Allow": "GET"})
    return _read(store, unquote(quoted_id)) if is_read else _list(store, query)


def _read(store: AccountStore, account_id: str) -> Answer:
    try:
        return Answer(200, store.body(account_id), account_id=account_id)
    except UnknownAccountError:
        return error(404, account_id=account_id)


def _list(store: AccountStore, query: str) -> Answer:
    parameters = {
        name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()
    }
    try:
        limit = _limit(parameters.get("limit", str(DEFAULT_LIMIT)))
        position = _position(parameters["cursor"]) if "cursor" in parameters else 0
    except ValueError as exc:
        return error(400, str(exc))
    end = position + limit
    cursor = _cursor(end) if end < len(store) else None
    return Answer(200, store.page(position, limit, cursor), page=position // limit + 1)


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ValueError(f"limit must be an integer from 1 to {MAX_LIMIT}.")
    return int(text)


def _cursor(position: int) -> str:
    return urlsafe_b64encode(b"position:%d" % position).decode()


def _position(cursor: str) -> int:
    try:
        position = int(urlsafe_b64decode(cursor).removeprefix(b"position:"))
    except ValueError:
        position = -1
    if position < 0 or _cursor(position) != cursor:
        raise ValueError("cursor is not one that this list has given.")
    return position
