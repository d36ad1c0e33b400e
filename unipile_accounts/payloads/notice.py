"""What Unipile posts to us: an event of an account, or the notice of a hosted link. Pure.

https://developer.unipile.com/docs/account-lifecycle
https://developer.unipile.com/docs/hosted-auth
"""

from __future__ import annotations

import json
from typing import NamedTuple

from unipile_accounts.payloads.fields import storable

_MAX_LENGTH = 1000


class AccountEvent(NamedTuple):
    """Something happened to an account. It has no time, no order, and may come twice."""

    unipile_account_id: str
    account_type: str
    message: str


class HostedNotice(NamedTuple):
    """Somebody logged in through the hosted link of this name; one without a name is nobody's."""

    status: str
    unipile_account_id: str
    name: str


def read_notice(body: bytes) -> AccountEvent | HostedNotice:
    """Raises `ValueError` for a body that is neither."""
    try:
        notice = json.loads(body)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    match notice:
        case {
            "AccountStatus": {
                "account_id": str(account_id),
                "account_type": str(account_type),
                "message": str(message),
            }
        }:
            _check(account_id, account_type, message)
            return AccountEvent(account_id, account_type, message)
        case {"AccountStatus": _}:
            raise ValueError("AccountStatus lacks a text.")
        case {"status": str(status), "account_id": str(account_id), **rest}:
            _check(status, account_id)
            return HostedNotice(status, account_id, _name(rest.get("name")))
    raise ValueError("The body is neither an event of an account nor a hosted link's notice.")


def _check(*texts: str) -> None:
    if not all(texts) or not all(map(_is_storable, texts)):
        raise ValueError("A text is empty, too long, or not text.")


def _name(value: object) -> str:
    return value if isinstance(value, str) and _is_storable(value) else ""


def _is_storable(text: str) -> bool:
    # The texts go into queries and logs.
    return text == storable(text) and len(text) <= _MAX_LENGTH
