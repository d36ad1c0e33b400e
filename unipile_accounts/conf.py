"""The UNIPILE_* settings, typed, read at the moment of use so that tests can override them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, urlsplit

from django.conf import settings

from unipile_accounts.exceptions import UnipileNotConfigured

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_VISIBLE = re.compile("[!-~]+")
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
        return _parse_dsn(settings.UNIPILE_DSN)

    @property
    def unipile_api_key(self) -> str:
        hint = "Create an access token in Unipile's dashboard and set it without quotes or spaces."
        if not settings.UNIPILE_API_KEY:
            raise UnipileNotConfigured("UNIPILE_API_KEY is not set.", hint=hint)
        if not _VISIBLE.fullmatch(settings.UNIPILE_API_KEY):
            raise UnipileNotConfigured(
                "UNIPILE_API_KEY holds a space, a line break or another character no key has.",
                hint=hint,
            )
        return settings.UNIPILE_API_KEY

    @property
    def public_url(self) -> str:
        """Where Unipile and browsers reach us, without a slash at the end."""
        hint = "Write the address that customers see, such as https://puffle.example."
        url = _read_address("PUBLIC_URL", settings.PUBLIC_URL, hint=hint)
        if url.query:
            raise UnipileNotConfigured("PUBLIC_URL is more than host and port.", hint=hint)
        return f"{url.scheme}://{url.netloc}"

    @property
    def webhook_secrets(self) -> list[str]:
        """One or two texts, one of which Unipile's events must carry. The first is registered."""
        hint = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'."
        if not settings.UNIPILE_WEBHOOK_SECRET:
            raise UnipileNotConfigured("UNIPILE_WEBHOOK_SECRET is not set.", hint=hint)
        secrets = settings.UNIPILE_WEBHOOK_SECRET.split(",")
        if len(secrets) > 2 or not all(re.fullmatch("[!-~]{20,200}", each) for each in secrets):
            raise UnipileNotConfigured(
                "UNIPILE_WEBHOOK_SECRET is not one secret, or two with a comma, of 20 to 200"
                " characters without spaces.",
                hint=hint,
            )
        return secrets


@lru_cache
def _parse_dsn(value: str) -> Dsn:
    """Read a DSN in any of the forms that Unipile's documentation and dashboard show.

    https://developer.unipile.com/reference-link/api-usage
    """
    written = value if "://" in value or not value else f"https://{value}"
    url = _read_address("UNIPILE_DSN", written, hint=_COPY_DSN)
    return Dsn(f"{url.scheme}://{url.netloc}", _port_query(url.query))


def _read_address(name: str, value: str, *, hint: str) -> SplitResult:
    """Return the parts of an address that is a scheme, a host, and a port or a query."""
    if not value:
        raise UnipileNotConfigured(f"{name} is not set.", hint=hint)
    try:
        url = urlsplit(value)
        is_address = bool(_HOST.fullmatch(url.hostname or "")) and url.port != 0
    except ValueError:
        is_address = False
    if not is_address or not _VISIBLE.fullmatch(value) or url.scheme not in ("http", "https"):
        raise UnipileNotConfigured(f"{name} is not an https address.", hint=hint)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise UnipileNotConfigured(
            f"{name} is plain http.", hint="Write https://. Only this machine may have http://."
        )
    if url.path not in ("", "/") or url.fragment or "@" in url.netloc:
        raise UnipileNotConfigured(f"{name} is more than host and port.", hint=hint)
    return url


def _port_query(query: str) -> dict[str, str]:
    if query and not re.fullmatch("port=[1-9][0-9]{0,4}", query):
        raise UnipileNotConfigured(
            "UNIPILE_DSN holds a query other than ?port=.",
            hint="Write it like https://api8.unipile.com?port=13843, or api8.unipile.com:13843.",
        )
    return dict(parse_qsl(query))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


conf = Conf()
