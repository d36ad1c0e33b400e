"""Name a wrong setting in `manage.py check`, with what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.http.request import validate_host

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileNotConfigured


@register
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    # Without either, the rest of the site can be served already.
    unfinished = not settings.UNIPILE_DSN and not settings.UNIPILE_API_KEY
    for setting, check_id, read in _SETTINGS:
        try:
            read()
        except UnipileNotConfigured as exc:
            kind = Warning if unfinished and not getattr(settings, setting) else Error
            messages.append(kind(exc.message, hint=exc.hint, id=f"unipile_accounts.{check_id}"))
    return messages


@register(deploy=True)
def check_address(**kwargs: Any) -> list[CheckMessage]:
    """Warn of what keeps customers from connecting, and Unipile from telling us."""
    host = None
    # A wrong one is named by the other check.
    with suppress(UnipileNotConfigured):
        host = urlsplit(conf.public_url).hostname
    is_served = host is None or validate_host(host, settings.ALLOWED_HOSTS)
    warnings = [
        (settings.PUBLIC_URL, "PUBLIC_URL is not set, so that no account can be connected."),
        (
            settings.UNIPILE_WEBHOOK_SECRET,
            "UNIPILE_WEBHOOK_SECRET is not set, so that Unipile's events are answered 503.",
        ),
        (is_served, f"ALLOWED_HOSTS lacks {host}, which is PUBLIC_URL's, so that it answers 400."),
    ]
    return [
        Warning(message, hint="docs/settings.md says what to set.", id="unipile_accounts.W001")
        for is_good, message in warnings
        if not is_good
    ]


_SETTINGS: list[tuple[str, str, Callable[[], object]]] = [
    ("UNIPILE_DSN", "E001", lambda: conf.unipile_dsn),
    ("UNIPILE_API_KEY", "E002", lambda: conf.unipile_api_key),
    # Only connecting accounts and events need these.
    ("PUBLIC_URL", "E006", lambda: settings.PUBLIC_URL and conf.public_url),
    (
        "UNIPILE_WEBHOOK_SECRET",
        "E007",
        lambda: settings.UNIPILE_WEBHOOK_SECRET and conf.webhook_secrets,
    ),
]
