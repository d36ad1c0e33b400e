"""What Unipile sends to us -> an event of an account, or the notice of a hosted link. Pure.

https://developer.unipile.com/docs/account-lifecycle
https://developer.unipile.com/docs/hosted-auth
"""

from __future__ import annotations

import json
from typing import NamedTuple

from unipile_accounts.payloads.fields import storable


class AccountEvent(NamedTuple):
    """Something happened to an account. It has no time, no order, and may come twice."""

    unipile_account_id: str
    message: str


class LinkNotice(NamedTuple):
    """Somebody logged in through the hosted link of this name."""

    status: str
    unipile_account_id: str
    name: str


def read_webhook(body: bytes) -> AccountEvent | LinkNotice:
    """Raises `ValueError` for a body that is neither."""
    try:
        webhook = json.loads(body)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    match webhook:
        case {"AccountStatus": {"account_id": str(account_id), "message": str(message)}}:
            _check(account_id, message)
            return AccountEvent(account_id, message)
        case {"status": str(status), "account_id": str(account_id), "name": str(name)}:
            _check(status, account_id, name)
            return LinkNotice(status, account_id, name)
    raise ValueError("The body is neither an event of an account nor a hosted link's notice.")


def _check(*texts: str) -> None:
    # The texts go into queries and logs.
    if not all(text and text == storable(text) for text in texts):
        raise ValueError("A text is empty, or not text.")
