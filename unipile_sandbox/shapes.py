"""What the values of a request's body may be, checked as Unipile does."""

from __future__ import annotations

import json
from typing import Any

from unipile_sandbox.answers import RefusedError, invalid


def read_object(body: bytes) -> dict[str, Any]:
    """Return the body's JSON object. Raises RefusedError."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "malformed_request", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.")
    return value


def read_flag(body: dict[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false.")
    return value


def read_texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise invalid(f"{name} must be a list of strings.")
    return value
