"""Clients that each send the next request when the last one is answered.

    python -m bench.load < JOB

`JOB` is JSON: port, seconds, and for each client a list of whole requests to send in turn. Prints
the times of all answers in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client(asyncio.Protocol):
    def __init__(self, requests: list[str], until: float) -> None:
        self._requests = cycle(request.encode() for request in requests)
        self._until = until
        self._received = b""
        self.milliseconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server hung up."))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length and len(body) < int(length[1])):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(f"{head[:40]!r} {body[:200]!r}"))
            return
        self._received = b""
        now = time.perf_counter()
        self.milliseconds.append((now - self._sent) * 1000)
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()


async def run(port: int, seconds: float, shares: list[list[str]]) -> list[float]:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    clients = [Client(requests, until) for requests in shares]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    return [each for client in clients for each in client.milliseconds]


if __name__ == "__main__":
    job = json.load(sys.stdin)
    print(json.dumps(asyncio.run(run(job["port"], job["seconds"], job["clients"]))))
