"""How far a run is, on stderr: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tqdm import tqdm

from unipile_accounts.results import Summary

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """None, for those who want it quiet."""

    def advance(self, summary: Summary) -> None:
        """Show that one more account is done."""

    def aside(self) -> AbstractContextManager[None]:
        """Make room for other output."""
        return nullcontext()

    def close(self) -> None:
        """Leave nothing behind on the terminal."""


class Bar(Progress):
    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="account", file=sys.stderr, leave=False)

    def advance(self, summary: Summary) -> None:
        self._bar.set_postfix(changed=summary.changed, failed=summary.failed, refresh=False)
        self._bar.update()

    @contextmanager
    def aside(self) -> Iterator[None]:
        with tqdm.external_write_mode(file=sys.stdout):
            yield

    def close(self) -> None:
        self._bar.close()


class Lines(Progress):
    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total = total
        self._say = say
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES

    def advance(self, summary: Summary) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self._say(f"{summary.total} of {self._total} accounts: {summary}")
