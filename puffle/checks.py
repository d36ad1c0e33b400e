"""`manage.py check`: what would shut the wrong people out, or let everybody in."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.checks import CheckMessage, Error, Warning
from django.db import ProgrammingError

NO_HOSTS = "ALLOWED_HOSTS is missing, so every request would be refused."
NO_HOSTS_HINT = "Set it to the host names that are served, such as puffle.example."


def check_hosts(**kwargs: Any) -> list[CheckMessage]:
    if settings.ALLOWED_HOSTS or settings.DEBUG:
        return []
    return [Warning(NO_HOSTS, hint=NO_HOSTS_HINT, id="puffle.W001")]


def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn of https without a word on who ends it: gunicorn itself rarely does."""
    if settings.NUM_PROXIES or not settings.HTTPS or "NUM_PROXIES" in os.environ:
        return []
    return [
        Warning(
            "NUM_PROXIES is not set. Behind a proxy all clients share its address and one limit.",
            hint="Set it to the number of proxies of yours, or to 0 if gunicorn itself ends TLS.",
            id="puffle.W002",
        )
    ]


def check_cache(**kwargs: Any) -> list[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if backend.endswith("LocMemCache"):
        return _check_processes()
    try:
        cache.get("check")
    except ProgrammingError:
        return [
            Error(
                "CACHE_URL names a table that does not exist, so no request would be limited.",
                hint="Run manage.py createcachetable, or use Redis.",
                id="puffle.E003",
            )
        ]
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        return [
            Warning(
                f"The cache does not answer, so no request is limited: {type(exc).__name__}.",
                hint="Check CACHE_URL, and that the cache runs.",
                id="puffle.W004",
            )
        ]
    return []


def _check_processes() -> list[CheckMessage]:
    # gunicorn.conf.py has 2 where nothing is set.
    if os.environ.get("WEB_CONCURRENCY") == "1":
        return []
    return [
        Warning(
            "Several processes count requests each for itself, so limits are multiplied.",
            hint="Set CACHE_URL to a Redis, such as redis://host:6379/0, or WEB_CONCURRENCY=1.",
            id="puffle.W003",
        )
    ]
