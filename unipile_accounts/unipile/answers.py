"""HTTP answers as they come off a socket. After an odd one its connection is of no more use."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HeaderParsingError
from urllib3.util.response import assert_header_parsing

from unipile_accounts.unipile.deadline import DeadlineReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = _Buffer(_Reader(sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200:
            # Skip interim answers such as 103 Early Hints.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        self._check_head()

    def _check_head(self) -> None:
        lengths = self.headers.get_all("Content-Length", [])
        lengths += self.headers.get_all("Transfer-Encoding", [])
        if len(lengths) > 1 or "," in "".join(lengths):
            raise http.client.HTTPException("The answer has two lengths.")
        try:
            assert_header_parsing(self.headers)
        except HeaderParsingError:
            # urllib3 would go on, and log the bytes that it cannot read.
            raise http.client.HTTPException("The answer's head is damaged.") from None


class _Reader(DeadlineReader):
    is_over = False

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        return 0 if self.is_over else super().readinto(buffer)


class _Buffer(io.BufferedReader):
    """Hangs up when the connection holds more than the answer."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__(reader)
        self._reader = reader

    def close(self) -> None:
        if not self.closed and self._holds_more():
            with suppress(OSError):
                self._reader.socket.shutdown(socket.SHUT_RDWR)
        super().close()

    def _holds_more(self) -> bool:
        self._reader.is_over = True
        sock = self._reader.socket
        return bool(self.peek(1)) or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0)
