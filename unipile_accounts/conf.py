"""The settings of Unipile, typed, read at the moment of use so that tests can override them."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.conf import settings

from unipile_accounts.exceptions import UnipileNotConfigured

_ADDRESS = re.compile(
    r"""
    (?P<base>
        ( https:// [a-z0-9.-]+ | http:// ( localhost | 127\.0\.0\.1 | \[::1\] ) )
        ( : [1-9][0-9]{0,4} )?
    )
    /?
    ( \?port= (?P<port> [1-9][0-9]{0,4} ) )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_KEY = re.compile("[!-~]+")
_SECRETS = re.compile(r"[!-+\--~]{20,200}(,[!-+\--~]{20,200})?")


class Dsn(NamedTuple):
    """Where a Unipile workspace answers. `query` is `?port=13843` in the form for port 443."""

    base_url: str
    query: dict[str, str]


class Conf:
    """Every property raises `UnipileNotConfigured`, which says what to write instead."""

    @property
    def unipile_dsn(self) -> Dsn:
        """Where Unipile answers, in any of the forms of its documentation and dashboard.

        https://developer.unipile.com/reference-link/api-usage
        """
        written = settings.UNIPILE_DSN
        found = _read(
            "UNIPILE_DSN",
            f"https://{written}" if written and "://" not in written else written,
            _ADDRESS,
            problem="is not the https address of a host.",
            hint="Copy the DSN from Unipile's dashboard, such as api8.unipile.com:13843.",
        )
        return Dsn(found["base"].lower(), {"port": found["port"]} if found["port"] else {})

    @property
    def unipile_api_key(self) -> str:
        return _read(
            "UNIPILE_API_KEY",
            settings.UNIPILE_API_KEY,
            _KEY,
            problem="holds a space, a line break or another character no key has.",
            hint="Create an access token in Unipile's dashboard and set it without spaces.",
        )[0]

    @property
    def public_url(self) -> str:
        """Where Unipile and browsers reach us, without a slash at the end."""
        return _read(
            "PUBLIC_URL",
            settings.PUBLIC_URL,
            _ADDRESS,
            problem="is not the https address of a host.",
            hint="Write the address that customers see, such as https://puffle.example.",
        )["base"].lower()

    @property
    def webhook_secrets(self) -> list[str]:
        """One or two texts, one of which Unipile's events must carry. The first is registered."""
        return _read(
            "UNIPILE_WEBHOOK_SECRET",
            settings.UNIPILE_WEBHOOK_SECRET,
            _SECRETS,
            problem=(
                "is not one secret, or two with a comma, of 20 to 200 characters without spaces."
            ),
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
        )[0].split(",")


def _read(
    name: str, value: str, pattern: re.Pattern[str], *, problem: str, hint: str
) -> re.Match[str]:
    if not value:
        raise UnipileNotConfigured(f"{name} is not set.", hint=hint)
    found = pattern.fullmatch(value)
    if found is None:
        raise UnipileNotConfigured(f"{name} {problem}", hint=hint)
    return found


conf = Conf()
