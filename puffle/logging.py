"""Log entries: one JSON object a line in production, readable lines in development."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# What every record has, and what Django adds: the request itself shows a query or a token.
_NOT_EXTRA = {
    *vars(logging.makeLogRecord({})),
    *("message", "asctime", "request_id", "request", "server_time"),
}


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """Write an entry as one line of ASCII, so that nothing a customer types can forge another."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", None),
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _NOT_EXTRA}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class LineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s [%(request_id)s]")


def is_crash(record: logging.LogRecord) -> bool:
    """Tell a crash from a refusal, for which Django leaves a trace as well."""
    return bool(record.exc_info) and getattr(record, "status_code", 500) >= 500


def configuration(*, as_json: bool) -> dict[str, Any]:
    """Return what `logging.config.dictConfig()` takes: everything goes to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": RequestIdFilter},
            "is_crash": {"()": "django.utils.log.CallbackFilter", "callback": is_crash},
        },
        "formatters": {"entry": {"()": JsonFormatter if as_json else LineFormatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["request_id"],
                "formatter": "entry",
            }
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO"},
            # Our own entry tells method, path and status already: only crashes are left to tell.
            "django.request": {"filters": ["is_crash"]},
            # Anyone can send any Host, and gets a 400.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.server": {"level": "CRITICAL"},
            "gunicorn.error": {"level": "WARNING"},
            "gunicorn.access": {"level": "CRITICAL"},
        },
    }
