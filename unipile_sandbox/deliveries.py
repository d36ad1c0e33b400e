"""One message of Unipile to its customer, an event of a webhook or a link's notice."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Kind = Literal["event", "notice"]
State = Literal["held", "waiting", "delivered", "given up", "dropped"]

CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
# Seconds that a receiver has for its answer.
TIMEOUT = 30


@dataclass(frozen=True)
class Attempt:
    """An HTTP status that came back, or the error that kept one from coming."""

    status: int | None
    error: str = ""


@dataclass(eq=False)
class Delivery:
    number: int
    kind: Kind
    account_id: str
    url: str
    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    state: State = "waiting"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def message(self) -> str:
        """Unipile's word, such as CREDENTIALS or CREATION_SUCCESS."""
        if self.kind == "notice":
            return str(self.payload["status"])
        return str(self.payload["AccountStatus"]["message"])

    def summary(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "kind": self.kind,
            "message": self.message,
            "account_id": self.account_id,
            "url": self.url,
            "state": self.state,
            "attempts": [attempt.status or attempt.error for attempt in self.attempts],
        }


def post(delivery: Delivery) -> Attempt:
    """Send it once with its own headers only. A notice has no content type."""
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()
    try:
        address = urlsplit(delivery.url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection = CONNECTIONS[address.scheme](address.netloc, timeout=TIMEOUT)
        try:
            connection.request("POST", target, body, dict(delivery.headers))
            response = connection.getresponse()
            response.read()
            return Attempt(response.status)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
        return Attempt(None, f"{type(exc).__name__}: {exc}")
