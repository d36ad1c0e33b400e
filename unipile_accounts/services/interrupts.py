"""Ending a bulk pass early, at a moment when all that it has stored is reported."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Somebody wanted the pass to end; not an Exception, so that nothing takes it for a failure."""


class _State(threading.local):
    wanted = False
    possible = False


_state = _State()


def stop() -> None:
    """End this thread's pass: at once while it waits, else before it waits again."""
    _state.wanted = True
    if _state.possible:
        raise Stopped


def stop_if_wanted() -> None:
    if _state.wanted:
        raise Stopped


@contextmanager
def stoppable() -> Iterator[None]:
    """Mark where a pass asks or waits, with nothing in its hands."""
    _state.possible = True
    try:
        stop_if_wanted()
        yield
    finally:
        _state.possible = False


@contextmanager
def stop_on_signals() -> Iterator[list[signal.Signals]]:
    """Let Ctrl-C, a kill and a closed terminal stop the pass, once: the second one kills.

    Yields the list that the signal is added to.
    """
    received: list[signal.Signals] = []
    former = _former_handlers()

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
        _state.wanted = False


def _former_handlers() -> dict[signal.Signals, signal.Handlers]:
    """Return what is in place; without what is ignored, for nohup and the like want it so."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    return {
        number: handler  # type: ignore[misc]
        for number, handler in handlers.items()
        if handler is not signal.SIG_IGN
    }
