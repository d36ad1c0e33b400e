"""The messages that Unipile sends, from a thread of its own, until each is answered with 200."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unipile_sandbox.deliveries import Delivery, Kind, post

KEPT = 100_000
QUICK_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)
BOTH: tuple[Kind, ...] = ("notice", "event")


@dataclass
class DeliverySettings:
    """How messages are sent. A test may change any of it."""

    # Seconds before each further attempt, which Unipile makes five times.
    retry_delays: Sequence[float] = QUICK_DELAYS
    # Which message of a login goes out first, "notice" or "event".
    first: str = "notice"
    # How often each message is sent, though the first was answered with 200.
    copies: int = 1


class Outbox:
    """Send messages one after the other. A retry holds up nobody."""

    def __init__(self, retry_delays: Sequence[float] = QUICK_DELAYS) -> None:
        self._initial_delays = tuple(retry_delays)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_sending = False
        self._forget()

    def _forget(self) -> None:
        self.settings = DeliverySettings(self._initial_delays)
        self._held: set[Kind] = set()
        self._numbers = itertools.count(1)
        self._all: deque[Delivery] = deque(maxlen=KEPT)
        self._due: list[tuple[float, int, Delivery]] = []

    def all(self) -> list[Delivery]:
        with self._changed:
            return list(self._all)

    def add(
        self, kind: Kind, account_id: str, url: str, payload: Any, headers: Mapping[str, str]
    ) -> None:
        with self._changed:
            for _ in range(self.settings.copies):
                delivery = Delivery(next(self._numbers), kind, account_id, url, payload, headers)
                self._all.append(delivery)
                if kind in self._held:
                    delivery.state = "held"
                else:
                    self._schedule(delivery, 0)

    def hold(self, *kinds: Kind) -> None:
        """Keep what comes from now on, of these kinds or of both, until it is released."""
        with self._changed:
            self._held.update(kinds or BOTH)

    def release(self, *kinds: Kind) -> None:
        """Send what was held, in its order, and hold these kinds no longer."""
        released = kinds or BOTH
        with self._changed:
            self._held.difference_update(released)
            for delivery in self._all:
                if delivery.state == "held" and delivery.kind in released:
                    self._schedule(delivery, 0)

    def retry_now(self) -> None:
        """Make the next attempt of everything at once, whatever the delay."""
        with self._changed:
            self._due = [(0.0, number, delivery) for _, number, delivery in self._due]
            heapq.heapify(self._due)
            self._changed.notify_all()

    def wait(self, *, attempts: int | None = None, timeout: float = 10) -> list[Delivery]:
        """Return all deliveries when none is open, or each open one was tried so often.

        Held ones are not waited for. Raises TimeoutError.
        """

        def is_done() -> bool:
            return not self._is_sending and all(
                attempts is not None and len(delivery.attempts) >= attempts
                for _, _, delivery in self._due
            )

        with self._changed:
            if not self._changed.wait_for(is_done, timeout):
                waiting = [delivery.summary() for _, _, delivery in self._due]
                raise TimeoutError(f"After {timeout} s these are not delivered: {waiting[:5]}")
            return list(self._all)

    def clear(self, *, patience: float = 5) -> None:
        """Drop everything, and go back to the settings of the start.

        Wait for the attempt that is on its way, so that it reaches nobody later.
        """
        with self._changed:
            for delivery in self._all:
                if delivery.state == "waiting":
                    delivery.state = "dropped"
            self._forget()
            self._changed.wait_for(lambda: not self._is_sending, patience)

    def stop(self) -> None:
        self.clear(patience=0.5)
        with self._changed:
            self._thread = None
            self._changed.notify_all()

    def _schedule(self, delivery: Delivery, seconds: float) -> None:
        delivery.state = "waiting"
        heapq.heappush(self._due, (time.monotonic() + seconds, delivery.number, delivery))
        self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="UnipileOutbox", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while delivery := self._next():
            attempt = post(delivery)
            with self._changed:
                self._is_sending = False
                delivery.attempts.append(attempt)
                if delivery.state == "waiting":
                    self._settle(delivery)
                self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            while self._thread is threading.current_thread():
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    self._is_sending = True
                    return heapq.heappop(self._due)[2]
                self._changed.wait(self._due[0][0] - now if self._due else None)
        return None

    def _settle(self, delivery: Delivery) -> None:
        tried, delays = len(delivery.attempts), self.settings.retry_delays
        if delivery.attempts[-1].status == 200:
            delivery.state = "delivered"
        elif tried > len(delays):
            delivery.state = "given up"
        else:
            self._schedule(delivery, delays[tried - 1])
