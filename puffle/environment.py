"""Typed readers of the environment. A value is taken as written, and a wrong one is named."""

from __future__ import annotations

import os
import re
from pathlib import Path
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=.*|#.*|")
_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def read_file(path: Path) -> None:
    """Add the variables of a `.env` file. Those that are set already win."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        # django-environ would write the whole line to the log.
        if not _LINE.fullmatch(line):
            raise ImproperlyConfigured(
                f"Line {number} of {path} is not understood. Write NAME=value, without spaces"
                " around the equals sign."
            )
    environ.Env.read_env(path)


def text(name: str, *, default: str = "") -> str:
    """Return a value without looking into it; `docker --env-file` keeps quotes, which we name."""
    value = os.environ.get(name, default)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise ImproperlyConfigured(f"{name} is in quotes. Leave the quotes out.")
    return value


def whole_number(name: str, *, default: int, least: int = 0) -> int:
    value = text(name, default=str(default))
    # Nine digits are more than any of these needs, and no more than a timedelta takes.
    if not re.fullmatch("[0-9]{1,9}", value) or int(value) < least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of {least} or more, such as {default}."
        )
    return int(value)


def seconds(name: str, *, default: float, least: float = 0) -> float:
    value = text(name, default=f"{default:g}")
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", value) or float(value) < least:
        raise ImproperlyConfigured(
            f"{name} must be a number of seconds from {least:g} to 999, such as {default:g}."
        )
    return float(value)


def switch(name: str, *, default: bool) -> bool:
    value = text(name).lower() or str(default).lower()
    if value not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} must be 1 or 0.")
    return _SWITCHES[value]


def rate(name: str, *, default: str) -> str:
    value = text(name, default=default)
    if not re.fullmatch("[1-9][0-9]{0,8}/(sec|second|min|minute|hour|day)", value):
        raise ImproperlyConfigured(
            f"{name} must be a number of requests per sec, min, hour or day, such as {default}."
        )
    return value


def zone(name: str, *, default: str) -> str:
    value = text(name, default=default)
    if value not in available_timezones():
        raise ImproperlyConfigured(f"{name} is not the name of a time zone, such as Europe/Kyiv.")
    return value


def words(name: str, *, pattern: str, example: str) -> list[str]:
    """Return the parts between commas, each of which must look like the pattern."""
    found = [part.strip() for part in text(name).split(",") if part.strip()]
    for part in found:
        if not re.fullmatch(pattern, part):
            raise ImproperlyConfigured(f"{name} holds {part!r}. Write it like {example}.")
    return found
