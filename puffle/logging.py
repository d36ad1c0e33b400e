"""Log entries: one JSON object a line in production, readable lines in development."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
user_id: ContextVar[Any] = ContextVar("user_id", default=None)


class RequestFilter(logging.Filter):
    """Add whose request an entry is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.user = user_id.get()
        return True


class CrashFilter(logging.Filter):
    """Leave crashes, and give those of the database a line instead of a trace.

    Our own entry of a request tells all other statuses.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        from puffle.database import is_passing  # noqa: PLC0415  # it needs the settings

        error = record.exc_info[1] if record.exc_info else None
        if is_passing(error):
            record.error = f"{type(error).__name__}: {error}".strip()
            record.exc_info = None
            return True
        return error is not None and record.levelno >= logging.ERROR


class ProbeFilter(logging.Filter):
    """Make one line of a request that Django refuses: anybody can send one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class ServerFilter(logging.Filter):
    """Cut from gunicorn's entries what a client sent: headers, bodies and queries."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        record.args = tuple(
            text.partition("?")[0] if isinstance(text, str) else text for text in arguments
        )
        message = record.getMessage()
        if message.startswith("Invalid request"):
            # What follows the kind of error is quoted from the request.
            message = message.partition("'")[0].partition('"')[0].removesuffix("b").rstrip(": ")
        if record.exc_info:
            # These are about the connection. Django has told crashes of ours.
            message += f" ({record.exc_info[0].__name__})" if record.exc_info[0] else ""
            record.exc_info = None
        record.msg, record.args = message, ()
        return True


def json_formatter() -> JsonFormatter:
    """Return a formatter of lines in ASCII, so that nothing a customer types forges another."""
    return JsonFormatter(
        ["levelname", "name", "request_id", "user", "message"],
        timestamp="time",
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "trace"},
        # Django adds the request, which shows a query or a token.
        reserved_attrs=[*RESERVED_ATTRS, "request", "server_time"],
    )


def line_formatter() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s [%(request_id)s]")


def configuration(*, as_json: bool) -> dict[str, Any]:
    """Return what `logging.config.dictConfig()` takes: everything goes to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request": {"()": RequestFilter},
            "crash": {"()": CrashFilter},
            "probe": {"()": ProbeFilter},
            "server": {"()": ServerFilter},
        },
        "formatters": {"entry": {"()": json_formatter if as_json else line_formatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["request"],
                "formatter": "entry",
            }
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO"},
            "django.request": {"filters": ["crash"]},
            "django.security.DisallowedHost": {"filters": ["probe"]},
            "django.server": {"level": "CRITICAL"},
            # It tells each mistyped password.
            "axes": {"level": "ERROR"},
            "psycopg.pool": {"level": "WARNING"},
            # Its warnings show what it could not read, such as a proxy's password.
            "urllib3": {"level": "ERROR"},
            "gunicorn.error": {"level": "WARNING", "filters": ["server"], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL"},
        },
    }
