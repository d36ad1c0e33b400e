"""Ending a pass early, at a moment when all that it has stored was published."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Seconds that a pass may wait before it looks whether it should end.
LOOK_EVERY = 0.2

# A plain list, because setting an Event in a signal handler can deadlock.
_received: list[signal.Signals] = []


class Stopped(BaseException):
    """A signal ends a pass. This is no Exception, so that nothing takes it for a failure."""

    def __init__(self, received: signal.Signals) -> None:
        super().__init__(received.name)
        self.signal = received


def check() -> None:
    """Raise `Stopped` if the pass should end."""
    if _received:
        raise Stopped(_received[0])


def pause(seconds: float) -> None:
    """Sleep, unless the pass should end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, LOOK_EVERY))


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Let Ctrl-C, a kill and a closed terminal stop the pass. A second signal kills the process."""
    is_main = threading.current_thread() is threading.main_thread()
    # Python lets no other thread receive signals.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if is_main else ()
    # An ignored signal stays ignored, as nohup wants it.
    former = {each: old for each in numbers if (old := signal.getsignal(each)) != signal.SIG_IGN}

    def handle(number: int, frame: FrameType | None) -> None:
        for each in former:
            signal.signal(each, signal.SIG_DFL)
        _received.append(signal.Signals(number))

    try:
        for each in former:
            signal.signal(each, handle)
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
        _received.clear()
