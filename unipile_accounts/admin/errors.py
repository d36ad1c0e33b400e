"""Why refreshes failed, in the words of the report."""

from __future__ import annotations

import math
from collections.abc import Iterator

from django.utils.translation import ngettext

from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured


def _and_subclasses(error: type[UnipileError]) -> Iterator[type[UnipileError]]:
    yield error
    for each in error.__subclasses__():
        yield from _and_subclasses(each)


# Of the errors that share a code, the first one is the plainest.
_ERRORS: dict[str, type[UnipileError]] = {}
for _each in _and_subclasses(UnipileError):
    _ERRORS.setdefault(_each.code, _each)

# A search leaves no error on an account.
CODES = sorted(_ERRORS.keys() - {"sales_navigator_unavailable"})


def reason(code: str) -> str:
    """Return the first sentence of what the report says."""
    first, dot, _rest = stored_advice(code).partition(". ")
    return first + dot.strip()


def stored_advice(code: str) -> str:
    """Return all that the report says, as far as the code tells it."""
    error = _ERRORS.get(code)
    return f"{error.meaning} {error.next_step}".strip() if error else code


def advice(error: UnipileError | UnipileNotConfigured) -> str:
    """Return what the report says, with the pause that Unipile asked for."""
    if isinstance(error, UnipileNotConfigured) or not error.retry_after:
        return str(error.advice)
    minutes = math.ceil(error.retry_after / 60)
    again = ngettext(
        "Try again in %(count)d minute.", "Try again in %(count)d minutes.", minutes
    ) % {"count": minutes}
    return f"{error.meaning} {again}"
