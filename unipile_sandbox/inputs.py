"""What people send to the sandbox's own routes, checked before anything is done with it."""

from __future__ import annotations

import json
from typing import Any

MAX_SECONDS = 3600


class BadInputError(ValueError):
    """One sentence for a person."""


def json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise BadInputError(f"The body is not JSON: {exc}.") from exc
    if not isinstance(value, dict):
        raise BadInputError("The body must be a JSON object.")
    return value


def text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadInputError(f"{name} must be a string that is not empty.")
    return value


def assign(settings: object, fields: dict[str, Any]) -> None:
    """Set each field to its new value. Raises BadInputError before any is set."""
    for name, value in fields.items():
        if name not in vars(settings):
            raise BadInputError(f"{name!r} is not known; there are {', '.join(vars(settings))}.")
        if not _fits(name, value, vars(settings)[name]):
            raise BadInputError(f"{name} cannot be {json.dumps(value)}.")
    for name, value in fields.items():
        setattr(settings, name, value)


def _fits(name: str, value: object, present: object) -> bool:
    if name == "first":
        return value in ("notice", "event", "together")
    if name == "lateness":
        return (
            isinstance(value, dict)
            and value.keys() == {"notice", "event"}
            and all(map(_is_seconds, value.values()))
        )
    if name == "retry_delays":
        return isinstance(value, list) and all(map(_is_seconds, value))
    if isinstance(present, bool):
        return isinstance(value, bool)
    if isinstance(present, int) and name != "timeout":
        return type(value) is int and 0 <= value <= 10_000
    return _is_seconds(value)


def _is_seconds(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_SECONDS  # type: ignore[operator]
