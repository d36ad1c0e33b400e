"""The messages that Unipile sends, from threads of its own, until each is answered with 200."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from unipile_sandbox.deliveries import QUICK_DELAYS, Delivery, DeliverySettings, Kind, post

KEPT = 100_000
WORKERS = 8


class Outbox:
    """Deliveries and how they are made.

    The first attempts of one account's messages keep their order, unless `first` is "together";
    what is late and later attempts hold up nobody. What is held waits until it is released.
    """

    def __init__(self, retry_delays: Sequence[float] = QUICK_DELAYS) -> None:
        self._initial_delays = tuple(retry_delays)
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._in_flight = 0
        self._forget()

    def _forget(self) -> None:
        self.settings = DeliverySettings(self._initial_delays)
        self._held: set[Kind] = set()
        self._numbers = itertools.count(1)
        self._all: deque[Delivery] = deque(maxlen=KEPT)
        self._open: dict[int, Delivery] = {}
        self._due: list[tuple[float, int, Delivery]] = []
        self._queues: dict[str, deque[Delivery]] = defaultdict(deque)

    def all(self) -> list[Delivery]:
        with self._changed:
            return list(self._all)

    def add(
        self, kind: Kind, account_id: str, url: str, payload: Any, headers: Mapping[str, str]
    ) -> None:
        with self._changed:
            for _ in range(self.settings.copies):
                number = next(self._numbers)
                delivery = Delivery(number, kind, account_id, url, payload, headers)
                self._all.append(delivery)
                if kind in self._held:
                    delivery.state = "held"
                else:
                    self._admit(delivery)

    def hold(self, *kinds: Kind) -> None:
        """Keep what comes from now on, of these kinds or of both, until it is released."""
        with self._changed:
            self._held.update(kinds or ("notice", "event"))

    def release(self, *kinds: Kind) -> None:
        """Send what was held, in its order, and hold these kinds no longer."""
        kinds = kinds or ("notice", "event")
        with self._changed:
            self._held.difference_update(kinds)
            for delivery in self._all:
                if delivery.state == "held" and delivery.kind in kinds:
                    self._admit(delivery)

    def send_again(self, delivery: Delivery) -> None:
        """Send a copy, as Unipile does when an answer of 200 was lost."""
        about = delivery.kind, delivery.account_id, delivery.url
        self.add(*about, delivery.payload, delivery.headers)

    def retry_now(self) -> None:
        """Make the next attempt of everything at once, whatever the delay."""
        with self._changed:
            self._due = [(0.0, number, delivery) for _, number, delivery in self._due]
            heapq.heapify(self._due)
            self._changed.notify_all()

    def wait(self, *, attempts: int | None = None, timeout: float = 10) -> list[Delivery]:
        """Return all deliveries when none is open any more, or each was tried so often.

        Held ones are not waited for. Raises TimeoutError.
        """

        def is_done() -> bool:
            return all(
                attempts is not None and len(delivery.attempts) >= attempts
                for delivery in self._open.values()
            )

        with self._changed:
            if not self._changed.wait_for(is_done, timeout):
                waiting = [delivery.summary() for delivery in self._open.values()]
                raise TimeoutError(f"After {timeout} s these are not delivered: {waiting[:5]}")
            return list(self._all)

    def clear(self, *, patience: float = 5) -> None:
        """Drop everything, and go back to the settings of the start.

        An attempt that is on its way is waited for, so that it reaches nobody later.
        """
        with self._changed:
            for delivery in self._open.values():
                delivery.state = "dropped"
            self._forget()
            self._changed.wait_for(lambda: not self._in_flight, patience)

    def start(self) -> None:
        if self._due:
            self._start_threads()

    def stop(self) -> None:
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(0.5)
        self._threads = []
        self._stopping = threading.Event()

    def _admit(self, delivery: Delivery) -> None:
        delivery.state = "waiting"
        self._open[delivery.number] = delivery
        self._start_threads()
        lateness = self.settings.lateness[delivery.kind]
        if self.settings.first == "together" or lateness:
            self._schedule(delivery, lateness)
            return
        queue = self._queues[delivery.account_id]
        queue.append(delivery)
        if len(queue) == 1:
            self._schedule(delivery, 0)

    def _schedule(self, delivery: Delivery, seconds: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, delivery.number, delivery))
        self._changed.notify()

    def _start_threads(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(
                    target=self._work, args=(self._stopping,), name="UnipileOutbox", daemon=True
                )
                for _ in range(WORKERS)
            ]
            for thread in self._threads:
                thread.start()

    def _work(self, stopping: threading.Event) -> None:
        while delivery := self._next(stopping):
            attempt = post(delivery, self.settings.timeout)
            with self._changed:
                self._in_flight -= 1
                delivery.attempts.append(attempt)
                if delivery.state == "sending":
                    self._settle(delivery)
                self._changed.notify_all()

    def _next(self, stopping: threading.Event) -> Delivery | None:
        with self._changed:
            while not stopping.is_set():
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    delivery = heapq.heappop(self._due)[2]
                    delivery.state = "sending"
                    self._in_flight += 1
                    return delivery
                self._changed.wait(self._due[0][0] - now if self._due else None)
        return None

    def _settle(self, delivery: Delivery) -> None:
        tried, delays = len(delivery.attempts), self.settings.retry_delays
        if delivery.status == 200:
            delivery.state = "delivered"
        elif tried > len(delays):
            delivery.state = "given up"
        else:
            delivery.state = "waiting"
            self._schedule(delivery, delays[tried - 1])
        if not delivery.is_open:
            del self._open[delivery.number]
        if tried == 1:
            self._let_the_next_go(delivery)

    def _let_the_next_go(self, delivery: Delivery) -> None:
        queue = self._queues.get(delivery.account_id)
        if not queue or queue[0] is not delivery:
            return
        queue.popleft()
        if queue:
            self._schedule(queue[0], 0)
        else:
            del self._queues[delivery.account_id]
