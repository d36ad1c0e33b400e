"""Webhooks by which Unipile sends events.

https://developer.unipile.com/reference/webhookscontroller_createwebhook
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unipile_sandbox.answers import invalid
from unipile_sandbox.shapes import read_flag, read_texts

ACCOUNT_STATUS = "account_status"
SOURCES = (
    ACCOUNT_STATUS,
    "messaging",
    "users",
    "email",
    "email_tracking",
    "calendar_event",
)
EVENTS = (
    "creation_success",
    "creation_fail",
    "deleted",
    "reconnected",
    "sync_success",
    "stopped",
    "ok",
    "connecting",
    "error",
    "credentials",
    "permissions",
)
LEFT_OUT_BY_DEFAULT = ("connecting", "ok", "stopped")


@dataclass(frozen=True)
class Webhook:
    id: str
    request_url: str
    source: str
    name: str
    enabled: bool
    events: tuple[str, ...]
    # Empty means all accounts, also those to come.
    account_ids: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]

    def wants(self, account_id: str, message: str) -> bool:
        return (
            self.enabled
            and self.source == ACCOUNT_STATUS
            and message.lower() in self.events
            and (not self.account_ids or account_id in self.account_ids)
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the list shows it, with the headers in clear."""
        return {
            "object": "Webhook",
            "id": self.id,
            "account_ids": [
                {"id": account_id, "type": "LINKEDIN"} for account_id in self.account_ids
            ],
            "enabled": self.enabled,
            "name": self.name,
            "request_url": self.request_url,
            "format": "json",
            "headers": [{"key": key, "value": value} for key, value in self.headers],
            "data": [],
            "events": list(self.events),
            "type": "AUTO",
            "source": self.source,
        }


def read_webhook(body: dict[str, Any]) -> Webhook:
    """Make a webhook of the body of a request. Raises RefusedError."""
    source = body.get("source")
    if source not in SOURCES:
        raise invalid(f"source must be one of {', '.join(SOURCES)}.")
    if body.get("format", "json") != "json":
        raise invalid("This sandbox sends webhooks of format json only.")
    name = body.get("name", "")
    if not isinstance(name, str):
        raise invalid("name must be a string.")
    return Webhook(
        id=f"we_{secrets.token_urlsafe(16)}",
        request_url=read_url(body.get("request_url"), "request_url"),
        source=source,
        name=name,
        enabled=read_flag(body, "enabled", default=True),
        events=_events(body, source),
        account_ids=tuple(read_texts(body.get("account_ids", []), "account_ids")),
        headers=tuple(_headers(body.get("headers", []))),
    )


def read_url(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise invalid(f"{name} must be a URL with http:// or https://.")
    return value


def _events(body: dict[str, Any], source: str) -> tuple[str, ...]:
    if "events" not in body:
        default = [event for event in EVENTS if event not in LEFT_OUT_BY_DEFAULT]
        return tuple(default) if source == ACCOUNT_STATUS else ()
    events = read_texts(body["events"], "events")
    if source == ACCOUNT_STATUS and not set(events) <= set(EVENTS):
        raise invalid(f"events must be of {', '.join(EVENTS)}.")
    return tuple(events)


def _headers(value: object) -> Iterable[tuple[str, str]]:
    if not isinstance(value, list):
        raise invalid("headers must be a list of {key, value}.")
    for header in value:
        match header:
            case {"key": str(key), "value": str(content)} if key:
                yield key, content
            case _:
                raise invalid("A header must have a key and a value, both strings.")


class WebhookStore:
    """Webhooks by id. Nothing keeps two of them from being the same."""

    def __init__(self) -> None:
        self._webhooks: dict[str, Webhook] = {}

    def __contains__(self, webhook_id: str) -> bool:
        return webhook_id in self._webhooks

    def all(self) -> list[Webhook]:
        return list(self._webhooks.values())

    def add(self, webhook: Webhook) -> None:
        self._webhooks[webhook.id] = webhook

    def remove(self, webhook_id: str) -> None:
        del self._webhooks[webhook_id]
