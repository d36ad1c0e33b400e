"""The log, in JSON objects for production or in lines for people."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from puffle.stores import is_passing

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
user_id: ContextVar[Any] = ContextVar("user_id", default=None)


def add_request(record: logging.LogRecord) -> bool:
    """Add whose request an entry is about."""
    record.request_id = request_id.get()
    # A refresh names its user, who need not be whose request it is.
    record.user = getattr(record, "user", None) or user_id.get()
    return True


def is_no_warning(record: logging.LogRecord) -> bool:
    """Leave out gunicorn's warnings, which quote what a client sent."""
    return record.levelno != logging.WARNING


class OnceAMinute(logging.Filter):
    """Keep one entry a minute of a trouble that every request meets."""

    _silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._silent_until:
            return False
        self._silent_until = record.created + 60
        return True


class CrashFilter(OnceAMinute):
    """Keep crashes of ours, and one line a minute of requests that had no database.

    Our entry of a request has all other statuses.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not is_passing(error):
            return error is not None
        record.error = f"{type(error).__name__}: {error}".strip()
        record.exc_info = None
        return super().filter(record)


def json_formatter() -> JsonFormatter:
    """Return a formatter of lines in ASCII, so that nothing a customer types forges another."""
    return JsonFormatter(
        ["levelname", "name", "request_id", "user", "message"],
        timestamp="time",
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "trace"},
        # Django adds the request, which shows a query or a token.
        reserved_attrs=[*RESERVED_ATTRS, "request", "server_time"],
    )


_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s [%(request_id)s]"


def configuration(*, as_json: bool) -> dict[str, Any]:
    """Return the configuration of a log in which everything goes to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"entry": {"()": json_formatter} if as_json else {"format": _LINE}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": [add_request],
                "formatter": "entry",
            }
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO"},
            "django.request": {"level": "ERROR", "filters": [CrashFilter()]},
            # Anybody can send a request for a host that is not served.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.server": {"level": "CRITICAL"},
            # axes logs every failed login.
            "axes": {"level": "ERROR"},
            "psycopg.pool": {"level": "WARNING", "filters": [OnceAMinute()]},
            "puffle.stores": {"filters": [OnceAMinute()]},
            # urllib3's warnings show what it could not read, such as a proxy's password.
            "urllib3": {"level": "ERROR"},
            "gunicorn.error": {"level": "INFO", "filters": [is_no_warning], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL"},
        },
    }
