"""Typed readers of the environment. A value is taken as written, and a wrong one is named."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured
from environ import Env

T = TypeVar("T")

_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=.*|#.*|")
_SECONDS = r"[0-9]{1,3}(\.[0-9]{1,3})?"
_CACHES = ("LocMemCache", "RedisCache")
_DATABASES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
# Milliseconds. Who needs a locked row for longer gives the connection back and asks again.
_LOCK_TIMEOUT = 300
# What a wait for a connection takes where there is no bound.
_UNBOUNDED = 30.0


def read_file(name: str, *, default: Path) -> None:
    """Add the variables of a `.env` file. Those that are set already win."""
    path = Path(text(name, default=str(default)))
    if name in os.environ and not path.exists():
        raise ImproperlyConfigured(f"{name} names {path}, which is not there.")
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        # django-environ would write the whole line to the log.
        if not _LINE.fullmatch(line):
            raise ImproperlyConfigured(
                f"Line {number} of {path} is not understood. Write NAME=value without spaces."
            )
    Env.read_env(path)


def text(name: str, *, default: str = "") -> str:
    """Return a value as it is. Quotes that `docker --env-file` keeps are named."""
    value = os.environ.get(name, default)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise ImproperlyConfigured(f"{name} is in quotes. Leave the quotes out.")
    return value


def _reader(pattern: str, meaning: str, convert: Callable[[str], T]) -> Callable[..., T]:
    """Return a reader of values that look like the pattern. An empty one is the default."""

    def read(name: str, *, default: str) -> T:
        value = text(name) or default
        if not re.fullmatch(pattern, value):
            raise ImproperlyConfigured(f"{name} must be {meaning}, such as {default}.")
        return convert(value)

    return read


# Nine digits are more than any of these needs, and no more than a timedelta takes.
whole_number = _reader("[0-9]{1,9}", "a whole number", int)
count = _reader("[1-9][0-9]{0,8}", "a whole number above 0", int)
bound = _reader(_SECONDS, "a number of seconds up to 999", float)
seconds = _reader("(?=.*[1-9])" + _SECONDS, "a number of seconds above 0 and up to 999", float)
rate = _reader(
    "[1-9][0-9]{0,8}/(sec|second|min|minute|hour|day)",
    "a number of requests per sec, min, hour or day",
    str,
)
switch = _reader("(?i)1|true|0|false", "1 or 0", lambda value: value.lower() in {"1", "true"})


def zone(name: str, *, default: str) -> str:
    value = text(name) or default
    if value not in available_timezones():
        raise ImproperlyConfigured(f"{name} must be the name of a time zone, such as {default}.")
    return value


def words(name: str) -> list[str]:
    """Return the parts between commas."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def hosts(name: str) -> list[str]:
    if "/" in text(name):
        raise ImproperlyConfigured(f"{name} must be host names only, such as puffle.example.")
    return words(name)


def database(name: str, *, default: str, pool_size: int, timeout: float) -> dict[str, Any]:
    """Return the database of a URL. No wait for it is longer than `timeout`. 0 is no bound."""
    url = text(name, default=default)
    found = _parsed(Env.db_url_config, url)
    if found.get("ENGINE") not in _DATABASES or not found["NAME"]:
        raise ImproperlyConfigured(
            f"{name} is not the address of a database. Write it like"
            " postgres://user:password@host:5432/name or sqlite:///db.sqlite3."
        )
    if found["ENGINE"].endswith("sqlite3"):
        bounds = {
            # Writers take the lock when they begin and wait for each other.
            "transaction_mode": "IMMEDIATE",
            "timeout": timeout or _UNBOUNDED,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        return found | {"OPTIONS": bounds}
    options = found.get("OPTIONS", {})
    if url.endswith("options="):
        # pgbouncer refuses them, and the role has the bounds instead.
        options["options"] = ""
    return found | {
        # The pool keeps connections, whatever the address says.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # pgbouncer may give each statement another connection.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {**_postgresql_options(pool_size, timeout), **options},
    }


def cache(name: str, *, default: str) -> dict[str, Any]:
    found = _parsed(Env.cache_url_config, text(name, default=default))
    if not found or not found["BACKEND"].endswith(_CACHES):
        raise ImproperlyConfigured(
            f"{name} is not the address of a cache. Write it like redis://host:6379/0."
        )
    options: dict[str, Any] = {}
    if found["BACKEND"].endswith("LocMemCache"):
        # Django's own 300 would throw away what throttles have counted.
        options = {"MAX_ENTRIES": 100_000}
    elif found["BACKEND"].endswith("RedisCache"):
        # A cache that hangs must not hold up what it only counts.
        options = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    return found | {"OPTIONS": {**options, **found.get("OPTIONS", {})}}


def _parsed(parse: Callable[[str], dict[str, Any]], url: str) -> dict[str, Any]:
    try:
        # environ's warnings show the password.
        with warnings.catch_warnings(action="ignore"):
            return parse(url)
    except (ImproperlyConfigured, ValueError):
        return {}


def _postgresql_options(pool_size: int, timeout: float) -> dict[str, Any]:
    """Return libpq's bounds of connecting and of a silent network, and PostgreSQL's of the rest."""
    milliseconds = round(timeout * 1000)
    pool = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": timeout or _UNBOUNDED,
        # Given up early, so that the next request tries at once.
        "reconnect_timeout": 2,
    }
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
        "pool": pool if pool_size else False,
    }
