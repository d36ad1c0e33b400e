"""The UNIPILE_* settings, typed, read at the moment of use so that tests can override them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from unipile_accounts.exceptions import UnipileNotConfigured

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_COPY_DSN = "Copy the DSN from Unipile's dashboard, such as api8.unipile.com:13843."


@dataclass(frozen=True)
class Dsn:
    """Where a Unipile workspace answers. `query` is `?port=13843` in the form for port 443."""

    base_url: str
    query: dict[str, str]


class Conf:
    """Every property raises `UnipileNotConfigured`, which says what to write instead."""

    @property
    def unipile_dsn(self) -> Dsn:
        return parse_dsn(settings.UNIPILE_DSN or "")

    @property
    def unipile_api_key(self) -> str:
        return parse_api_key(settings.UNIPILE_API_KEY or "")

    @property
    def public_url(self) -> str:
        """Where Unipile and browsers reach us, without a slash at the end."""
        return parse_public_url(settings.PUBLIC_URL or "")

    @property
    def webhook_secrets(self) -> list[str]:
        """One or two texts, one of which Unipile's events must carry. The first is registered."""
        return parse_secrets("UNIPILE_WEBHOOK_SECRET", settings.UNIPILE_WEBHOOK_SECRET or "")


@lru_cache
def parse_dsn(value: str) -> Dsn:
    """Read a DSN in any of the forms that Unipile's documentation and dashboard show.

    https://developer.unipile.com/reference-link/api-usage
    """
    if not value:
        raise UnipileNotConfigured("UNIPILE_DSN is not set.", hint=_COPY_DSN)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UnipileNotConfigured("UNIPILE_DSN holds a space or a line break.", hint=_COPY_DSN)
    try:
        url = urlsplit(value if "://" in value else f"https://{value}")
        host, port = url.hostname or "", url.port
    except ValueError as exc:
        raise UnipileNotConfigured("UNIPILE_DSN is not an address.", hint=_COPY_DSN) from exc
    if not _HOST.fullmatch(host):
        raise UnipileNotConfigured("UNIPILE_DSN names no host.", hint=_COPY_DSN)
    if url.scheme not in ("http", "https"):
        raise UnipileNotConfigured("UNIPILE_DSN is not an https address.", hint=_COPY_DSN)
    if url.scheme == "http" and not _is_loopback(host):
        raise UnipileNotConfigured(
            "UNIPILE_DSN would send the API key over plain http.",
            hint="Write https:// or leave the scheme out; http is for a sandbox on this machine.",
        )
    if url.path not in ("", "/") or url.fragment or "@" in url.netloc or port == 0:
        raise UnipileNotConfigured("UNIPILE_DSN is more than host and port.", hint=_COPY_DSN)
    return Dsn(f"{url.scheme}://{url.netloc}", _port_query(url.query))


def _port_query(query: str) -> dict[str, str]:
    if not query:
        return {}
    match parse_qs(query, keep_blank_values=True):
        case {"port": [port], **rest} if not rest and re.fullmatch(r"[1-9][0-9]{0,4}", port):
            return {"port": port}
    raise UnipileNotConfigured(
        "UNIPILE_DSN holds a query other than ?port=.",
        hint="Write it like https://api8.unipile.com?port=13843, or api8.unipile.com:13843.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_api_key(value: str) -> str:
    hint = "Create an access token in Unipile's dashboard and set it without quotes or spaces."
    if not value:
        raise UnipileNotConfigured("UNIPILE_API_KEY is not set.", hint=hint)
    if not re.fullmatch(r"[!-~]+", value):
        raise UnipileNotConfigured(
            "UNIPILE_API_KEY holds a space, a line break or another character no key has.",
            hint=hint,
        )
    return value


def parse_public_url(value: str) -> str:
    hint = "Write the address that customers see, such as https://puffle.example."
    if not value:
        raise UnipileNotConfigured("PUBLIC_URL is not set.", hint=hint)
    try:
        url = urlsplit(value)
        is_usable = bool(_HOST.fullmatch(url.hostname or "")) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or url.scheme not in ("http", "https") or "@" in url.netloc:
        raise UnipileNotConfigured("PUBLIC_URL is not an https address.", hint=hint)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise UnipileNotConfigured("PUBLIC_URL is plain http.", hint=hint)
    if url.path not in ("", "/") or url.query or url.fragment:
        raise UnipileNotConfigured("PUBLIC_URL is more than scheme, host and port.", hint=hint)
    return f"{url.scheme}://{url.netloc}"


def parse_secrets(name: str, value: str) -> list[str]:
    """Return one or two secrets that a header can carry. Raise for one that is easily guessed."""
    hint = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'."
    if not value:
        raise UnipileNotConfigured(f"{name} is not set.", hint=hint)
    secrets = value.split(",")
    if len(secrets) > 2:
        raise UnipileNotConfigured(f"{name} holds more than two secrets.", hint=hint)
    for number, secret in enumerate(secrets, 1):
        if not re.fullmatch(r"[!-~]{20,200}", secret):
            which = "" if len(secrets) == 1 else f", number {number} of 2,"
            raise UnipileNotConfigured(
                f"{name}{which} is not 20 to 200 characters without spaces.", hint=hint
            )
    return secrets


conf = Conf()
