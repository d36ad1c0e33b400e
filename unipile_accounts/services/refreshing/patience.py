"""The one rule of how often and how long Unipile is asked."""

from __future__ import annotations

import random
import time

from django.conf import settings

from unipile_accounts import interrupts
from unipile_accounts.exceptions import UnipileError, UnipileNotAsked

# Tries of one question in a pass, and questions given up in a row that make it give up.
TRIES = 4
FAILURES_IN_A_ROW = 8
# In seconds. Each further pause is twice as long as the one before.
LONGEST_PAUSE = 60.0
# What somebody who waits for one account puts up with, in seconds.
SHORT_PAUSE = 0.5


class Patience:
    """Pauses between tries, and ends a pass when Unipile fails again and again.

    A question that stays without an answer is that account's failure. After `FAILURES_IN_A_ROW` of
    them the pass ends. `questions` counts what Unipile was asked.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        tries: int = TRIES,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self.questions = 0
        self._end = time.monotonic() + (seconds or float("inf"))
        self._most_tries = tries
        self._longest_pause = longest_pause
        self.succeeded()
        self.begin()

    @classmethod
    def of_one_refresh(cls) -> Patience:
        """Allow a second try at once, within UNIPILE_TIMEOUT for everything."""
        return cls(seconds=settings.UNIPILE_TIMEOUT, tries=2, longest_pause=SHORT_PAUSE)

    def begin(self) -> None:
        """Give the next account or page UNIPILE_TIMEOUT for all its questions."""
        self._deadline = min(time.monotonic() + settings.UNIPILE_TIMEOUT, self._end)

    def timeout(self) -> float:
        """Count a question, and return the seconds until its answer must be there."""
        self.questions += 1
        return self._deadline - time.monotonic()

    def is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def succeeded(self) -> None:
        self._tries = 0
        self._failures: list[UnipileError] = []

    def try_again(self, error: UnipileError) -> bool:
        """Pause before another try of the same question, and return False when there is none."""
        if error.retry is None:
            self.succeeded()
            return False
        self._tries += 1
        pause_of_ours = error.retry * 2.0**self._tries
        seconds = min(error.retry_after or pause_of_ours, LONGEST_PAUSE)
        if (
            self._tries >= self._most_tries
            or seconds > self._longest_pause
            or seconds >= self._end - time.monotonic()
        ):
            self._tries = 0
            self._failures.append(error)
            return False
        if not error.retry_after:
            seconds = random.uniform(seconds / 2, seconds)  # noqa: S311  # spreads tries
        interrupts.pause(seconds)
        self.begin()
        return True

    def check(self) -> None:
        """Raise why no more accounts are asked for, which may be `Stopped`."""
        interrupts.check()
        if reason := self.reason_to_end():
            raise reason

    def reason_to_end(self) -> UnipileError | None:
        """Return why no more accounts are asked for, and None while the pass goes on."""
        if len(self._failures) >= FAILURES_IN_A_ROW:
            return self._failures[-1]
        if time.monotonic() >= self._end:
            return UnipileNotAsked("The time limit was reached.")
        return None
