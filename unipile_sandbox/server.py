"""HTTP/1.1 over sockets, low enough to break it on purpose."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any, NamedTuple
from weakref import WeakSet

from unipile_sandbox.answers import Answer, error
from unipile_sandbox.faults import Fault

logger = logging.getLogger(__name__)

MAX_LINE = 65536
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    connection: int
    body: bytes = b""
    # Whether the connection has brought an earlier request.
    reused: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reply(NamedTuple):
    answer: Answer
    fault: Fault | None = None
    delay: float = 0


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Reply]) -> None:
        super().__init__(address, _Connection)
        self.respond = respond
        self.connection_ids = itertools.count(1)
        self._stopping = threading.Event()
        self._clients: WeakSet[socket.socket] = WeakSet()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        self._stopping.set()
        self.shutdown()
        self.server_close()
        self.hang_up()
        self._thread.join()

    def hang_up(self) -> None:
        """Close all connections, also in the middle of an answer."""
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def pause(self, seconds: float) -> None:
        if seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError("The sandbox is stopping.")

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = super().get_request()
        self._clients.add(client)
        return client, address


class _Connection(socketserver.StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        number = next(self.server.connection_ids)
        # The client hung up or the sandbox stops, so nobody is told.
        with contextlib.suppress(OSError):
            reused = False
            while self._serve_one(number, reused=reused):
                reused = True

    def _serve_one(self, number: int, *, reused: bool) -> bool:
        """Answer one request, and tell whether the connection goes on."""
        line = self.rfile.readline(MAX_LINE).decode("latin-1")
        if not line:
            return False
        headers = self._read_headers()
        length = headers.get("content-length", "0")
        well_formed = len(line.split()) == 3 and re.fullmatch("[0-9]{1,9}", length)
        if not well_formed or "transfer-encoding" in headers:
            self._send(error(400, "A request needs a request line and a Content-Length."))
            return False
        method, path, version = line.split()
        body = self.rfile.read(int(length))
        reply = self.server.respond(Request(method, path, headers, number, body, reused))
        logger.debug("%s %s -> %s", method, path, "fault" if reply.fault else reply.answer.status)
        self.server.pause(reply.delay)
        # The body of a refused HEAD is not read, and must not be taken for the next answer.
        goes_on = version == "HTTP/1.1" and method != "HEAD"
        goes_on = goes_on and headers.get("connection", "").lower() != "close"
        if reply.fault:
            return self._send_spoilt(reply.answer, reply.fault) and goes_on
        self._send(reply.answer)
        return goes_on

    def _read_headers(self) -> dict[str, str]:
        headers = {}
        while line := self.rfile.readline(MAX_LINE).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _send(self, answer: Answer) -> None:
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        self.connection.sendall(_head(answer.status, headers) + answer.body)

    def _send_spoilt(self, answer: Answer, fault: Fault) -> bool:
        """Do the damage, and tell whether it leaves the connection usable."""
        if fault.reset:
            self._reset()
        elif fault.silent:
            self._ignore()
        elif fault.answers:
            self.connection.sendall(EARLY_HINTS * fault.early_hints)
            status, headers, blocks = fault.spoil(answer)
            self._drip(_head(status, headers), fault.drip_headers)
            for block in blocks:
                self._drip(block, fault.drip_body)
        return not fault.ends_connection

    def _reset(self) -> None:
        """Break the connection off with RST, as a host does that has forgotten it."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing the socket as usual would send a FIN first.
        os.close(self.connection.detach())

    def _ignore(self) -> None:
        """Wait until the client gives up, or the sandbox stops."""
        while self.connection.recv(MAX_LINE):
            pass

    def _drip(self, data: bytes, seconds: float) -> None:
        step = 1 if seconds else len(data)
        for start in range(0, len(data), step or 1):
            self.connection.sendall(data[start : start + step])
            self.server.pause(seconds)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
