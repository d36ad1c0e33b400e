"""One deadline for a whole answer.

    with answer_within(seconds):
        pool.urlopen(...)

It covers the host's name, the connection, its encryption, the head and the body. A socket's own
timeout starts anew with every byte, so an answer that drips would be waited for without end.
"""

from __future__ import annotations

import io
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ends_at: ContextVar[float] = ContextVar("ends_at")


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """Return the time until the deadline; raise `TimeoutError` when it has passed."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("The deadline for the whole answer has passed.")
    return left


def open_socket(host: str, port: int, *, seconds: float) -> socket.socket:
    """Connect within so many seconds; what is left of them is the socket's timeout then."""
    with answer_within(min(seconds, seconds_left())):
        addresses = _look_up(host, port)
        problem: OSError | None = None
        for tried, address in enumerate(addresses):
            try:
                return _connect(address, seconds=seconds_left() / (len(addresses) - tried))
            except OSError as exc:
                problem = exc
        raise problem or OSError("The host has no address.")


def _look_up(host: str, port: int) -> list[Any]:
    # The resolver takes no timeout, so it runs in a thread that may be left behind.
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as exc:
            answers.put(exc)
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "Not the name of a host"))

    threading.Thread(target=look_up, name="LookUp", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds_left())
    except queue.Empty:
        raise TimeoutError("The host's address was not found in time.") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _connect(address: Any, *, seconds: float) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(seconds)
        sock.connect(where)
        sock.settimeout(seconds_left())
    except OSError:
        sock.close()
        raise
    return sock


class DeadlineReader(io.RawIOBase):
    """Reads a socket until the deadline."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self.socket = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self.socket.settimeout(seconds_left())
        count = self._raw.readinto(buffer)
        # Behind a proxy a TLS handshake follows, in the time that is left.
        self.socket.settimeout(seconds_left())
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
