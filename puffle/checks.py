"""Name what would shut the wrong people out, or let everybody in, in `manage.py check`."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.checks import CheckMessage, Warning
from django.db import Error, connection

YEAR = 31_536_000


def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn of https without a word on who ends it, because gunicorn itself rarely does."""
    if settings.NUM_PROXIES or not settings.HTTPS or "NUM_PROXIES" in os.environ:
        return []
    return [
        Warning(
            "NUM_PROXIES is not set. Behind a proxy all clients share its address and one limit.",
            hint="Set it to the number of proxies of yours, or to 0 if gunicorn itself ends TLS.",
            id="puffle.W002",
        )
    ]


def check_hsts(**kwargs: Any) -> list[CheckMessage]:
    is_listed = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and settings.SECURE_HSTS_SECONDS >= YEAR
    if is_listed or not settings.SECURE_HSTS_PRELOAD:
        return []
    return [
        Warning(
            "HSTS_PRELOAD has no effect without the subdomains and a year.",
            hint=f"Set HSTS_INCLUDE_SUBDOMAINS=1 and HSTS_SECONDS={YEAR}, or leave it out.",
            id="puffle.W005",
        )
    ]


def check_cache(**kwargs: Any) -> list[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if backend.endswith("LocMemCache"):
        return _check_processes()
    try:
        cache.get("check")
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        return [
            Warning(
                f"The cache does not answer, so no request is limited: {type(exc).__name__}.",
                hint="Check CACHE_URL, and that the cache runs. createcachetable makes a table.",
                id="puffle.W004",
            )
        ]
    return []


def _check_processes() -> list[CheckMessage]:
    if settings.WEB_CONCURRENCY == 1:
        return []
    return [
        Warning(
            "Several processes count requests each for itself, so limits are multiplied.",
            hint="Set CACHE_URL to a Redis, such as redis://host:6379/0, or WEB_CONCURRENCY=1.",
            id="puffle.W003",
        )
    ]


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Connect once, without the pool, which would try again and hide the cause."""
    database = connection.copy()
    database.settings_dict["OPTIONS"].pop("pool", None)
    try:
        database.ensure_connection()
    except Error as exc:
        return [
            Warning(
                f"The database does not answer: {' '.join(str(exc).split())}.",
                hint="Check DATABASE_URL, and that the database runs.",
                id="puffle.W006",
            )
        ]
    finally:
        database.close()
    return []
