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


class Stopped(BaseException):
    """A pass should end. This is no Exception, so that nothing takes it for a failure."""


class _Stop(threading.local):
    # A plain flag, because setting an Event in a signal handler can deadlock.
    is_wanted = False


_stop = _Stop()


def stop() -> None:
    """End this thread's pass at its next look."""
    _stop.is_wanted = True


def check() -> None:
    """Raise `Stopped` if this thread's pass should end."""
    if _stop.is_wanted:
        raise Stopped


def pause(seconds: float) -> None:
    """Sleep, unless the pass should end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, LOOK_EVERY))


@contextmanager
def stop_on_signals() -> Iterator[list[signal.Signals]]:
    """Let Ctrl-C, a kill and a closed terminal stop the pass.

    Yields a list, to which the signal is added. A second signal kills the process.
    """
    received: list[signal.Signals] = []
    former = _handlers()

    def handle(number: int, frame: FrameType | None) -> None:
        for each in former:
            signal.signal(each, signal.SIG_DFL)
        received.append(signal.Signals(number))
        stop()

    try:
        for each in former:
            signal.signal(each, handle)
        yield received
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
        _stop.is_wanted = False


def _handlers() -> dict[signal.Signals, signal.Handlers]:
    """Return the current handlers. An ignored signal stays ignored, as nohup wants it."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    return {
        number: handler  # type: ignore[misc]
        for number, handler in handlers.items()
        if handler is not signal.SIG_IGN
    }
