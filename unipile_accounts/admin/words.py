"""How changes and errors are said to people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.template.defaultfilters import pluralize

from unipile_accounts import exceptions
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.models import LISTED_AS, UnipileAccount

# What customers ask about comes first.
_FIRST = ("status", *PLAN_COLUMNS)
_COLUMNS = {listed: column for column, listed in LISTED_AS.items()}
_STATUSES = dict(UnipileAccount.Status.choices)

# Of the errors that share a code, the first one is the plainest.
_ERRORS: dict[str, type[UnipileError]] = {
    each.code: each
    for each in reversed(vars(exceptions).values())
    if isinstance(each, type) and issubclass(each, UnipileError)
}
CODES = sorted(_ERRORS)


def in_words(changes: Mapping[str, Sequence[Any]]) -> str:
    """Say what changed, such as "premium: no → yes"."""
    names = [name for name in _FIRST if name in changes]
    names += [name for name in changes if name not in _FIRST]
    return ", ".join(
        f"{_label(name)}: {_value(changes[name][0])} → {_value(changes[name][1])}" for name in names
    )


def _label(name: str) -> str:
    try:
        return str(label_for_field(_COLUMNS.get(name, name), UnipileAccount))
    except AttributeError:
        # The history outlives a field, and tells what is none.
        return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(_STATUSES.get(value, value) or "none")


def reason(code: str) -> str:
    """Return the first sentence of what the report says of an error with this code."""
    if code not in _ERRORS:
        return code
    error = _ERRORS[code]
    first, dot, _rest = f"{error.meaning} {error.next_step}".strip().partition(". ")
    return first + dot.strip()


def advice(error: UnipileError | UnipileNotConfigured) -> str:
    """Return what to do about an error, with the pause that Unipile asked for."""
    if isinstance(error, UnipileNotConfigured) or not error.retry_after:
        return error.advice
    minutes = math.ceil(error.retry_after / 60)
    return f"{error.meaning} Try again in {minutes} minute{pluralize(minutes)}."
