"""How a run ended: the exit status, and why it is not 0."""

from __future__ import annotations

import signal
from typing import NamedTuple

from django import db

from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured

SOME_FAILED = 1
CANNOT_RUN = 2
# A shell reports a process that was ended by a signal as 128 and the signal's number.
ENDED_BY = 128


class Ending(NamedTuple):
    status: int = 0
    reason: str = ""


def ending_of_counts(*, failed: int, total: int) -> Ending:
    if not failed:
        return Ending()
    return Ending(SOME_FAILED, f"{failed} of {total} accounts failed.")


def ending_of_error(
    exc: UnipileNotConfigured | UnipileAuthenticationError | db.Error,
) -> Ending:
    if isinstance(exc, UnipileAuthenticationError):
        return Ending(CANNOT_RUN, f"{exc} Check UNIPILE_API_KEY and UNIPILE_DSN.")
    if isinstance(exc, UnipileNotConfigured):
        return Ending(CANNOT_RUN, str(exc))
    first_line = (str(exc).strip() or type(exc).__name__).splitlines()[0]
    return Ending(CANNOT_RUN, f"The database cannot be used: {first_line}")


def ending_of_stop(signals: list[signal.Signals]) -> Ending:
    """Name the first signal; without one it was the output that was lost."""
    number = signals[0] if signals else signal.SIGPIPE
    why = f"of {number.name}"
    if number == signal.SIGPIPE:
        why = "its output cannot be written any more"
    reason = f"Stopped, because {why}. What was refreshed until then is stored."
    return Ending(ENDED_BY + number, reason)
