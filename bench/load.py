"""A closed loop: each client sends its next request when it has the answer to the last one.

    python -m bench.load < JOB

`JOB` is JSON: port, seconds, and for each client a list of whole requests, sent in turn; each once
where seconds is null. Prints the latencies in milliseconds, in order of size, and the answers other
than 200.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from itertools import cycle
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client(asyncio.Protocol):
    def __init__(self, requests: list[str], until: float | None) -> None:
        encoded = [request.encode() for request in requests]
        self._requests = iter(encoded) if until is None else cycle(encoded)
        self._until = until
        self._received = b""
        self.latencies: list[float] = []
        self.refused: list[str] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.refused.append(f"hung up: {exc}")
            self.done.set_result(None)

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length and len(body) < int(length[1])):
            return
        self._received = b""
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        if not head.startswith(b"HTTP/1.1 200"):
            self.refused.append(f"{head[:40]!r} {body[:200]!r}")
        if self._until is None or now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()


async def run(job: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = []
    for requests in job["clients"]:
        until = None if job["seconds"] is None else started + job["seconds"]
        client = Client(requests, until)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", job["port"])  # type: ignore[misc]
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    latencies = sorted(latency for client in clients for latency in client.latencies)
    return {
        "seconds": time.perf_counter() - started,
        "milliseconds": [round(latency * 1000, 3) for latency in latencies],
        "refused": [text for client in clients for text in client.refused],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
