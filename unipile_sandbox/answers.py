"""What the sandbox answers, before any fault spoils it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

ERROR_TYPES = {
    400: "errors/invalid_parameters",
    401: "errors/missing_credentials",
    404: "errors/resource_not_found",
    405: "errors/method_not_allowed",
    429: "errors/too_many_requests",
    503: "errors/service_unavailable",
    504: "errors/request_timeout",
}


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    account_id: str | None = None
    page: int | None = None


def encode(value: object) -> bytes:
    """Write JSON as JavaScript does: plain UTF-8, with lone surrogates escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def error_body(status: int, error_type: str | None = None, detail: str | None = None) -> bytes:
    error_type = error_type or ERROR_TYPES.get(status, "errors/unexpected_error")
    title = error_type.rpartition("/")[2].replace("_", " ").capitalize()
    body: dict[str, Any] = {"status": status, "type": error_type, "title": title}
    return encode(body if detail is None else body | {"detail": detail})


def error(status: int, detail: str | None = None, **where: Any) -> Answer:
    return Answer(status, error_body(status, detail=detail), **where)
