"""Connections to Unipile that keep to the deadline and are not kept for too long."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from unipile_accounts.exceptions import UnipileNotConfigured
from unipile_accounts.unipile.answers import Answer
from unipile_accounts.unipile.deadline import answer_within, open_socket, seconds_left

# Routers forget idle connections without a word, some after a minute.
MAX_IDLE_SECONDS = 30

_TCP_OPTIONS = {
    "TCP_NODELAY": 1,
    # The kernel asks idle connections for a sign of life (seconds).
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    # A slow server's kernel still acknowledges at once (milliseconds).
    "TCP_USER_TIMEOUT": 2000,
}

_anew: ContextVar[bool] = ContextVar("anew", default=False)


class ReusedConnectionFailed(HTTPError):
    """A connection that had been idle broke, or was silent for half of the time that was left."""


@contextmanager
def on_a_new_connection() -> Iterator[None]:
    """Take no connection that has been used before."""
    token = _anew.set(True)
    try:
        yield
    finally:
        _anew.reset(token)


class Connection(HTTPConnection):
    response_class = Answer
    _answered_at: float | None = None

    def _new_conn(self) -> socket.socket:
        self._answered_at = None
        sock = open_socket(self.host, self.port, seconds=self.timeout or 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _TCP_OPTIONS.items():
            # Other systems than Linux lack some of them.
            if option := getattr(socket, name, None):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        return sock

    @property
    def is_connected(self) -> bool:
        """Tell the pool whether this connection can take one more request."""
        if _anew.get() or self._answered_at is None:
            return False
        return time.monotonic() - self._answered_at < MAX_IDLE_SECONDS and super().is_connected

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as exc:
            raise UnipileNotConfigured(
                f"A certificate on the way to Unipile is not trusted ({exc.verify_message}).",
                hint="Check UNIPILE_DSN, or name your own authority in REQUESTS_CA_BUNDLE.",
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            if self.proxy and (reason := _why_for_good(exc, reached=self.has_connected_to_proxy)):
                raise UnipileNotConfigured(
                    f"The proxy {self.proxy.host} {reason}.", hint="Check HTTPS_PROXY and NO_PROXY."
                ) from exc
            raise

    def request(self, *args: Any, **kwargs: Any) -> None:
        with self._reuse_told():
            super().request(*args, **kwargs)

    def getresponse(self) -> Any:
        with self._reuse_told(), answer_within(seconds_left() / (2 if self._answered_at else 1)):
            response = super().getresponse()
        self._answered_at = time.monotonic()
        return response

    @contextmanager
    def _reuse_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if self._answered_at is None:
                raise
            raise ReusedConnectionFailed from exc


class SecureConnection(Connection, HTTPSConnection):
    pass


def _why_for_good(exc: Exception, *, reached: bool) -> str | None:
    """Return why a proxy will not let us through, or None for a trouble that may pass."""
    match exc:
        case socket.gaierror(errno=socket.EAI_NONAME):
            return "has no address"
        case ssl.SSLError() if not reached:
            return "does not speak TLS, so that its address begins with http"
        case http.client.BadStatusLine() if not isinstance(exc, ConnectionError):
            return "does not speak HTTP"
    # http.client puts the status into the text only.
    refusal = re.match(r"Tunnel connection failed: (4\d\d)", str(exc))
    return f"answered {refusal[1]}" if refusal and refusal[1] not in ("408", "429") else None
