"""The accounts which a sandbox holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from unipile_sandbox.answers import encode
from unipile_sandbox.payloads import Payload

STATUSES = ("OK", "CONNECTING", "CREDENTIALS", "STOPPED")


class UnknownAccountError(KeyError):
    def __str__(self) -> str:
        return f"There is no account {self.args[0]!r}."


def _status(payload: Payload) -> str | None:
    match payload.get("sources"):
        case [{"status": str(status)}, *_]:
            return status
    return None


class AccountStore:
    """Accounts in the order in which they came, each kept as the JSON that is sent."""

    def __init__(self, payloads: Iterable[Payload] = ()) -> None:
        self._bodies: dict[str, bytes] = {}
        self._statuses: dict[str, str | None] = {}
        self._former: dict[str, bytes] = {}
        self._listing: tuple[list[bytes], bytes] | None = None
        for payload in payloads:
            self.put(payload)

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, account_id: str) -> bool:
        return account_id in self._bodies

    def ids(self) -> list[str]:
        return list(self._bodies)

    def copy(self) -> AccountStore:
        twin = AccountStore()
        twin._bodies = self._bodies.copy()
        twin._statuses = self._statuses.copy()
        twin._former = self._former.copy()
        return twin

    def put(self, payload: Payload) -> str:
        """Add the account, or replace the one with its id in the same place of the list."""
        account_id = payload.get("id")
        if not isinstance(account_id, str) or not account_id:
            raise ValueError("An account needs an id: a string that is not empty.")
        self._bodies[account_id] = encode(payload)
        self._statuses[account_id] = _status(payload)
        self._listing = None
        return account_id

    def body(self, account_id: str) -> bytes:
        try:
            return self._bodies[account_id]
        except KeyError:
            raise UnknownAccountError(account_id) from None

    def get(self, account_id: str) -> Payload:
        payload: Payload = json.loads(self.body(account_id))
        return payload

    def remove(self, account_id: str) -> None:
        self._former[account_id] = self.body(account_id)
        del self._bodies[account_id], self._statuses[account_id]
        self._listing = None

    def names(self, count: int) -> dict[str, Any]:
        return {key: self.get(key).get("name") for key in islice(self._bodies, count)}

    def newest(self, count: int) -> Iterator[Payload]:
        """Yield accounts, the one that came last first."""
        for account_id in islice(reversed(self._bodies), count):
            yield self.get(account_id)

    def former(self, count: int) -> Iterator[Payload]:
        """Yield accounts that are gone, the one that went last first."""
        for body in islice(reversed(self._former.values()), count):
            yield json.loads(body)

    def page(self, position: int, limit: int, cursor: str | None) -> bytes:
        """Join the accounts from `position` on into the body of a list answer."""
        bodies, totals = self._listed()
        items = b",".join(bodies[position : position + limit])
        start = b'{"object":"AccountList","items":['
        return b"".join((start, items, b'],"cursor":', encode(cursor), b",", totals, b"}"))

    def _listed(self) -> tuple[list[bytes], bytes]:
        if self._listing is None:
            counted = Counter(self._statuses.values())
            counts = {status: counted[status] for status in STATUSES}
            totals = encode({"total_count": len(self), "status_counts": counts})
            self._listing = list(self._bodies.values()), totals[1:-1]
        return self._listing
