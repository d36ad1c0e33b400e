"""DATABASE_URL and CACHE_URL, read into what Django takes."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from puffle import environment

_BACKENDS = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
_NO_OPTIONS = re.compile(r"[?&]options=(&|$)")
# Milliseconds. Who needs a locked row for longer gives the connection back and asks again.
_LOCK_TIMEOUT = 300
# What a pool waits where there is no bound.
_POOL_TIMEOUT = 30.0


def database(name: str, *, default: str, pool_size: int, timeout: float) -> dict[str, Any]:
    """Return the database of a URL. No wait for it is longer than `timeout`. 0 is no bound."""
    url = environment.text(name, default=default)
    found = _parsed(url)
    if found.get("ENGINE") not in _BACKENDS:
        raise ImproperlyConfigured(
            f"{name} is not the address of a database. Write it like"
            " postgres://user:password@host:5432/name or sqlite:///db.sqlite3."
        )
    if not found["NAME"]:
        raise ImproperlyConfigured(
            f"{name} names no database. Write it like postgres://user:password@host:5432/name."
        )
    unknown = set(found) - {"ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS"}
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"].endswith("sqlite3"):
        _refuse(name, {*unknown, *options})
        return found | {"OPTIONS": _sqlite_options(timeout)}
    _refuse(name, unknown)
    if _NO_OPTIONS.search(url):
        # pgbouncer refuses them, and the role has the bounds instead.
        options["options"] = ""
    return found | {
        "CONN_HEALTH_CHECKS": True,
        # pgbouncer may give each statement another connection.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {**_bounds(timeout), **options, "pool": _pool(pool_size, timeout)},
    }


def _parsed(url: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            # environ's warning shows the password.
            warnings.simplefilter("ignore")
            return dict(Env.db_url_config(url))
    except (ImproperlyConfigured, ValueError):
        return {}


def _refuse(name: str, options: set[str]) -> None:
    if options:
        raise ImproperlyConfigured(
            f"{name} cannot set {', '.join(sorted(options)).lower()}. Leave it out."
        )


def _bounds(timeout: float) -> dict[str, Any]:
    """Return libpq's bounds of connecting and of a silent network, and PostgreSQL's of the rest."""
    milliseconds = round(timeout * 1000)
    server = {
        "statement_timeout": milliseconds,
        "lock_timeout": min(milliseconds, _LOCK_TIMEOUT),
        "idle_in_transaction_session_timeout": milliseconds,
    }
    return {
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
        # libpq takes whole seconds, and no fewer than 2.
        "connect_timeout": max(2, math.ceil(timeout)) if timeout else 0,
        "tcp_user_timeout": milliseconds,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def _sqlite_options(timeout: float) -> dict[str, Any]:
    return {
        # Writers take the lock when they begin and wait for each other.
        "transaction_mode": "IMMEDIATE",
        "timeout": timeout or _POOL_TIMEOUT,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }


def _pool(size: int, timeout: float) -> dict[str, Any]:
    return {
        "min_size": 1,
        "max_size": size,
        "timeout": timeout or _POOL_TIMEOUT,
        # The pool waits longer after each failure. Given up early, the next request tries at once.
        "reconnect_timeout": 2,
    }


def cache(name: str, *, default: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = Env.cache_url_config(environment.text(name, default=default))
    except (ImproperlyConfigured, ValueError):
        found = {}
    if not found:
        raise ImproperlyConfigured(
            f"{name} is not the address of a cache. Write it like redis://host:6379/0."
        )
    backend = found["BACKEND"]
    if backend.endswith("RedisCache"):
        # A cache that hangs must not hold up what it only counts.
        defaults = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    elif backend.endswith(("LocMemCache", "DatabaseCache")):
        # Django's own 300 would throw away what throttles have counted.
        defaults = {"MAX_ENTRIES": 100_000}
    else:
        defaults = {}
    return found | {"OPTIONS": {**defaults, **found.get("OPTIONS", {})}}
