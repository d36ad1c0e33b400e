"""Links to the hosted page.

https://developer.unipile.com/docs/hosted-auth
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from unipile_sandbox.answers import invalid
from unipile_sandbox.shapes import read_flag
from unipile_sandbox.webhooks import read_url

HOSTED = "/hosted"
EXPIRES_ON = re.compile(r"[12]\d{3}-[01]\d-[0-3]\dT\d{2}:\d{2}:\d{2}\.\d{3}Z", re.ASCII)
URLS = ("notify_url", "success_redirect_url", "failure_redirect_url")


@dataclass
class Link:
    token: str
    type: Literal["create", "reconnect"]
    expires_on: datetime
    name: str | None
    reconnect_account: str | None
    notify_url: str | None
    success_redirect_url: str | None
    failure_redirect_url: str | None
    bypass_success_screen: bool
    is_used: bool = False
    is_dead: bool = False

    @property
    def path(self) -> str:
        return f"{HOSTED}/{self.token}"

    @property
    def is_open(self) -> bool:
        return not self.is_used and not self.is_dead and datetime.now(UTC) < self.expires_on


def read_link(body: dict[str, Any]) -> Link:
    """Make a link of the body of a request. Raises RefusedError."""
    kind = body.get("type")
    if kind not in ("create", "reconnect"):
        raise invalid("type must be create or reconnect.")
    read_url(body.get("api_url"), "api_url")
    if kind == "create" and body.get("providers") != ["LINKEDIN"]:
        raise invalid("This sandbox makes links for providers [LINKEDIN] only.")
    is_reconnect = kind == "reconnect"
    return Link(
        token=secrets.token_urlsafe(24),
        type=kind,
        expires_on=_expiry(body.get("expiresOn")),
        name=_text(body["name"], "name") if "name" in body else None,
        reconnect_account=(
            _text(body.get("reconnect_account"), "reconnect_account") if is_reconnect else None
        ),
        bypass_success_screen=read_flag(body, "bypass_success_screen", default=False),
        **_urls(body),
    )


def _urls(body: dict[str, Any]) -> Any:
    return {name: read_url(body[name], name) if name in body else None for name in URLS}


def _expiry(value: object) -> datetime:
    """Read the moment, which Unipile takes with three decimals and a Z only."""
    if not isinstance(value, str) or not EXPIRES_ON.fullmatch(value):
        raise invalid("expiresOn must look like 2026-01-31T12:00:00.000Z.")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise invalid("expiresOn is no moment of the calendar.") from None


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} must be a string that is not empty.")
    return value


class LinkStore:
    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def add(self, link: Link) -> None:
        self._links[link.token] = link

    def find(self, token: str) -> Link | None:
        return self._links.get(token)

    def expire_all(self) -> None:
        """Do what Unipile's daily restart does to links."""
        for link in self._links.values():
            link.is_dead = True
