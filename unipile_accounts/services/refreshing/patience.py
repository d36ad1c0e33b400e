"""How long a pass puts up with a Unipile that fails."""

from __future__ import annotations

import random
import time

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import Retry, UnipileError, UnipileNotAsked
from unipile_accounts.interrupts import pause

# Tries of one question, and failures in a row that make a pass give up.
TRIES = 4
FAILURES_IN_A_ROW = 8
# Seconds between two tries.
SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 60.0

_UNIPILES_FAULT = {Retry.AT_ONCE, Retry.AFTER_A_PAUSE}


class Patience:
    """Pauses between tries, and ends a pass when Unipile fails again and again.

    A question that stays without an answer is that account's failure; `FAILURES_IN_A_ROW` are
    Unipile's.
    """

    def __init__(self, seconds: float | None) -> None:
        self._deadline = time.monotonic() + (seconds or float("inf"))
        self._tries = 0
        self._failures: list[UnipileError] = []

    def deadline(self) -> float:
        """Return when the answer to the next question must be there."""
        return min(time.monotonic() + conf.unipile_timeout, self._deadline)

    def try_again(self, error: UnipileError | None) -> bool:
        """Pause before another try of the same question; return False when there is none."""
        if error is None or error.retry not in _UNIPILES_FAULT:
            self._tries, self._failures = 0, []
            return False
        self._tries += 1
        self._failures.append(error)
        seconds = self._seconds_to_pause(error)
        if self._tries >= TRIES or self.reason_to_end() or seconds >= self._seconds_left():
            self._tries = 0
            return False
        pause(seconds)
        return True

    def reason_to_end(self) -> UnipileError | None:
        """Return why no more accounts are asked for; None while the pass goes on."""
        if len(self._failures) >= FAILURES_IN_A_ROW:
            return self._failures[-1]
        if self._seconds_left() <= 0:
            return UnipileNotAsked("The time limit was reached.")
        return None

    def _seconds_to_pause(self, error: UnipileError) -> float:
        if error.retry_after is not None:
            return min(float(error.retry_after), LONGEST_PAUSE)
        longest = min(SHORTEST_PAUSE * 2**self._tries, LONGEST_PAUSE)
        return random.uniform(longest / 2, longest)  # noqa: S311  # spreads tries, guards nothing

    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()
