"""Name what would shut the wrong people out, or let everybody in, in `manage.py check`."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.checks import CheckMessage, Warning, register
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

YEAR = 31_536_000


@register(deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn of https without a word on who ends it, because gunicorn itself rarely does."""
    return _warn_if(
        settings.HTTPS and not settings.NUM_PROXIES and "NUM_PROXIES" not in os.environ,
        "NUM_PROXIES is not set. Behind a proxy all clients share its address and one limit.",
        hint="Set it to the number of proxies of yours, or to 0 if gunicorn itself ends TLS.",
        check_id="puffle.W002",
    )


@register(deploy=True)
def check_processes(**kwargs: Any) -> list[CheckMessage]:
    is_local = settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")
    return _warn_if(
        is_local and settings.WEB_CONCURRENCY > 1,
        "Several processes count requests each for itself, so limits are multiplied.",
        hint="Set CACHE_URL to a Redis, such as redis://host:6379/0, or WEB_CONCURRENCY=1.",
        check_id="puffle.W003",
    )


@register(deploy=True)
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    failure = ""
    try:
        cache.get("check")
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        failure = type(exc).__name__
    return _warn_if(
        failure,
        f"The cache does not answer, so no request is limited: {failure}.",
        hint="Check CACHE_URL, and that the cache runs.",
        check_id="puffle.W004",
    )


@register(deploy=True)
def check_hsts(**kwargs: Any) -> list[CheckMessage]:
    is_listed = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and settings.SECURE_HSTS_SECONDS >= YEAR
    return _warn_if(
        settings.SECURE_HSTS_PRELOAD and not is_listed,
        "HSTS_PRELOAD has no effect without the subdomains and a year.",
        hint=f"Set HSTS_INCLUDE_SUBDOMAINS=1 and HSTS_SECONDS={YEAR}, or leave it out.",
        check_id="puffle.W005",
    )


@register(deploy=True)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Connect once, without the pool, which would try again and hide the cause."""
    database = connection.copy()
    database.settings_dict["OPTIONS"].pop("pool", None)
    failure, missing = "", []
    try:
        executor = MigrationExecutor(database)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as exc:
        failure = " ".join(str(exc).split())
    finally:
        database.close()
    return [
        *_warn_if(
            failure,
            f"The database does not answer: {failure}.",
            hint="Check DATABASE_URL, and that the database runs.",
            check_id="puffle.W006",
        ),
        *_warn_if(
            missing,
            f"{len(missing)} migrations are not applied.",
            hint="Run manage.py migrate.",
            check_id="puffle.W007",
        ),
        *_warn_if(
            "DATABASE_URL" not in os.environ,
            "DATABASE_URL is not set, so that everything is in the file db.sqlite3.",
            hint="Set it to a PostgreSQL, such as postgres://user:password@host:5432/name.",
            check_id="puffle.W008",
        ),
    ]


def _warn_if(condition: object, message: str, *, hint: str, check_id: str) -> list[CheckMessage]:
    return [Warning(message, hint=hint, id=check_id)] if condition else []
