"""One deadline for a whole answer. A thread gets it, and the caller waits for the thread.

A socket's own timeout starts anew with every byte, and the look-up of a name has none.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from unipile_accounts import interrupts

_T = TypeVar("_T")


def in_thread(function: Callable[[], _T]) -> Future[_T]:
    """Call a function in a thread of its own. It must not use the database."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as exc:  # noqa: BLE001  # raised where the result is waited for
            future.set_exception(exc)

    # Entries of the log keep the id of our request.
    target = contextvars.copy_context().run
    # Nobody waits for a daemon thread, neither a process that ends nor a pass that is stopped.
    threading.Thread(target=target, args=(run,), name="unipile-question", daemon=True).start()
    return future


def result_of(future: Future[_T], *, deadline: float) -> _T:
    """Wait until the deadline, or raise `Stopped` when the pass should end."""
    while not future.done():
        interrupts.check()
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        wait([future], timeout=min(left, interrupts.LOOK_EVERY))
    return future.result()
