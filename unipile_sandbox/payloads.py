"""The payloads of accounts, as Unipile would send them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Payload = dict[str, Any]

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


def samples() -> list[Payload]:
    """Return eight invented LinkedIn accounts, and three of other providers among them."""
    text = Path(__file__).with_name("samples.json").read_text(encoding="utf-8")
    payloads: list[Payload] = json.loads(text)
    return payloads


def sample_plans() -> dict[str, Payload]:
    """Return what LinkedIn says of samples where Unipile's copy says something else.

    Mara Feldkamp has bought Sales Navigator, which only users/me shows.
    """
    return {"k3Vd9QmTRxS1aLw0ZbYc7A": {"premium": True, "sales_navigator": True}}


def linkedin_account(
    account_id: str | None = None,
    *,
    member_id: str | None = None,
    created_at: str = "2026-07-01T12:50:22.378Z",
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

    `im` adds keys to connection_params.im or replaces them, with any value. `omit` leaves keys out.
    """
    # 22 URL-safe characters, like Unipile's own ids.
    account_id = secrets.token_urlsafe(16) if account_id is None else account_id
    payload = {
        "object": "Account",
        "type": "LINKEDIN",
        "id": account_id,
        "name": name,
        "created_at": created_at,
        "groups": [],
        "sources": [
            {"id": f"{account_id}_MESSAGING{number or ''}", "status": status}
            for number, status in enumerate(statuses)
        ],
        "connection_params": {
            "im": {
                "id": member_id or f"ACoAAB{account_id:0>33.33}",
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

    Two keys are not Unipile's. `status` is given to every source, `omit` lists keys to leave out.
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
