"""What the sandbox answers, before any fault spoils it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

ERROR_TYPES = {
    400: "errors/invalid_parameters",
    401: "errors/missing_credentials",
    404: "errors/resource_not_found",
    405: "errors/method_not_allowed",
    429: "errors/too_many_requests",
    503: "errors/service_unavailable",
    504: "errors/request_timeout",
}

Operation = Literal[
    "account", "list", "delete", "profile", "link", "webhooks", "search", "parameters"
]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    account_id: str | None = None
    page: int | None = None
    operation: Operation | None = None
    # What the request does. An injected error status keeps it from happening.
    effect: Callable[[], object] | None = None


class RefusedError(Exception):
    """The request gets this error."""

    def __init__(self, status: int, error_type: str, detail: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.body = error_body(status, f"errors/{error_type}", detail)


def invalid(detail: str) -> RefusedError:
    return RefusedError(400, "invalid_parameters", detail)


def ok(value: object, *, status: int = 200, **where: Any) -> Answer:
    return Answer(status, encode(value), **where)


def encode(value: object) -> bytes:
    """Write JSON as JavaScript does, in plain UTF-8 with lone surrogates escaped."""
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
