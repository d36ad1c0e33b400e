"""A host that takes connections and never says a word."""

from __future__ import annotations

import socket
from typing import Self


class MuteListener:
    """Hold up whoever connects: a TLS handshake with `https_url`, an answer of `url`."""

    def __enter__(self) -> Self:
        # The kernel accepts for the listener, who never looks.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.https_url = f"https://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
