"""The accounts which a sandbox holds, and the payloads they are made of."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from unipile_sandbox.answers import encode

Payload = dict[str, Any]

STATUSES = ("OK", "CONNECTING", "CREDENTIALS", "STOPPED")
IM_KEYS = (
    "publicIdentifier",
    "username",
    "premiumId",
    "premiumFeatures",
    "premiumContractId",
    "organizations",
    "connection_method",
    "proxy",
)
TOP_KEYS = ("object", "type", "name", "created_at", "groups", "sources", "connection_params")
SNAKE_CASE = {
    "public_identifier": "publicIdentifier",
    "premium_id": "premiumId",
    "premium_features": "premiumFeatures",
    "premium_contract_id": "premiumContractId",
}


class UnknownAccountError(KeyError):
    def __str__(self) -> str:
        return f"There is no account {self.args[0]!r}."


def samples() -> list[Payload]:
    """Return eight invented LinkedIn accounts, and three of other providers among them."""
    text = Path(__file__).with_name("samples.json").read_text(encoding="utf-8")
    payloads: list[Payload] = json.loads(text)
    return payloads


def linkedin_account(
    account_id: str | None = None,
    *,
    name: str = "Robin Sample",
    premium_features: Sequence[str] | None = (),
    premium_id: str | None = None,
    premium_contract_id: str | None = None,
    public_identifier: str = "robin-sample-example",
    statuses: Sequence[str] = ("OK",),
    im: Mapping[str, Any] | None = None,
    omit: Iterable[str] = (),
) -> Payload:
    """Make a LINKEDIN payload, free and healthy unless told otherwise.

    `im` adds keys to connection_params.im or replaces them, with any value; `omit` leaves keys out.
    """
    # 22 URL-safe characters, like Unipile's own ids.
    account_id = secrets.token_urlsafe(16) if account_id is None else account_id
    payload = {
        "object": "Account",
        "type": "LINKEDIN",
        "id": account_id,
        "name": name,
        "created_at": "2026-07-01T12:50:22.378Z",
        "groups": [],
        "sources": [
            {"id": f"{account_id}_MESSAGING{number or ''}", "status": status}
            for number, status in enumerate(statuses)
        ],
        "connection_params": {
            "im": {
                "id": f"ACoAAB{account_id:0>33.33}",
                "publicIdentifier": public_identifier,
                "username": name,
                "connection_method": "credentials",
                "premiumId": premium_id,
                "premiumFeatures": None if premium_features is None else list(premium_features),
                "premiumContractId": premium_contract_id,
                "organizations": [],
                **(im or {}),
            }
        },
    }
    for key in omit:
        _leave_out(payload, key)
    return payload


def change(payload: Payload, changes: Mapping[str, Any]) -> None:
    """Put each change where Unipile keeps that key.

    Besides Unipile's own keys: `status` is given to every source, `omit` lists keys to leave out.
    """
    for name, value in changes.items():
        key = SNAKE_CASE.get(name, name)
        if key == "omit":
            for left_out in value:
                _leave_out(payload, left_out)
        elif key == "status":
            _set_status(payload, value)
        elif key in IM_KEYS:
            _inside(_inside(payload, "connection_params"), "im")[key] = value
        elif key in TOP_KEYS:
            payload[key] = value
        else:
            known = ", ".join((*IM_KEYS, *TOP_KEYS, "status", "omit"))
            raise ValueError(f"{name!r} is not a key that can be changed; these are: {known}.")


def _inside(parent: Payload, key: str) -> Payload:
    """Return the object at the key, which replaces whatever else a test has put there."""
    if not isinstance(parent.get(key), dict):
        parent[key] = {}
    child: Payload = parent[key]
    return child


def _leave_out(payload: Payload, name: str) -> None:
    key = SNAKE_CASE.get(name, name)
    if key == "im":
        _inside(payload, "connection_params").pop(key, None)
    elif key in IM_KEYS:
        _inside(_inside(payload, "connection_params"), "im").pop(key, None)
    elif key in TOP_KEYS:
        payload.pop(key, None)
    else:
        raise ValueError(f"{name!r} is not a key that can be left out.")


def _set_status(payload: Payload, status: str) -> None:
    sources = payload.get("sources")
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        sources = []
    sources = sources or [{"id": f"{payload['id']}_MESSAGING"}]
    payload["sources"] = [{**source, "status": status} for source in sources]


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
        self._listing: tuple[list[bytes], bytes] | None = None
        for payload in payloads:
            self.put(payload)

    def __len__(self) -> int:
        return len(self._bodies)

    def copy(self) -> AccountStore:
        twin = AccountStore()
        twin._bodies = self._bodies.copy()
        twin._statuses = self._statuses.copy()
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
        self.body(account_id)
        del self._bodies[account_id], self._statuses[account_id]
        self._listing = None

    def names(self, count: int) -> dict[str, Any]:
        return {key: self.get(key).get("name") for key in islice(self._bodies, count)}

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
