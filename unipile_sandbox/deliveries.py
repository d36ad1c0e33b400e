"""One message that Unipile sends to its customer: an event of a webhook, or a link's notice."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Kind = Literal["event", "notice"]
State = Literal["held", "waiting", "sending", "delivered", "given up", "dropped"]

CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
QUICK_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass
class DeliverySettings:
    """How messages are sent; a test may change any of it."""

    # Seconds before each further attempt, which Unipile makes five times.
    retry_delays: Sequence[float] = QUICK_DELAYS
    # Seconds that a receiver has for its answer.
    timeout: float = 30
    # Whether the link's notice or the webhook's event goes out first.
    first: Literal["notice", "event", "together"] = "notice"
    # How often each message is sent, though the first was answered with 200.
    copies: int = 1
    # Seconds by which messages of a kind are late.
    lateness: dict[Kind, float] = field(default_factory=lambda: {"notice": 0, "event": 0})


@dataclass(frozen=True)
class Attempt:
    """What came back: an HTTP status, or the error that kept one from coming."""

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
    def is_open(self) -> bool:
        return self.state in ("waiting", "sending")

    @property
    def status(self) -> int | None:
        """The status of the last attempt."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def message(self) -> str:
        """Unipile's word: CREDENTIALS, CREATION_SUCCESS and so on."""
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
            "status": self.status,
            "attempts": [attempt.status or attempt.error for attempt in self.attempts],
        }


def post(delivery: Delivery, timeout: float) -> Attempt:
    """Send it once, with no header but those it has: above all without a content type."""
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()
    try:
        address = urlsplit(delivery.url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        kind = CONNECTIONS[address.scheme]
        connection = kind(address.netloc, timeout=timeout)
        try:
            connection.request("POST", target, body, dict(delivery.headers))
            response = connection.getresponse()
            response.read()
            return Attempt(response.status)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
        return Attempt(None, f"{type(exc).__name__}: {exc}")
