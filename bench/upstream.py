"""A stand-in for Unipile that costs next to nothing: answers are made before they are asked for.

    python -m bench.upstream ACCOUNTS [CERTIFICATE]

Serves https with a certificate. Prints its port.

`GET /bench?latency=0.05&size=1000&flapping=1` sets how it answers, and returns how
many connections and requests there were.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qsl

from unipile_sandbox import linkedin_account
from unipile_sandbox.answers import encode

PAGE_SIZE = 250


def unipile_id(number: int) -> str:
    return f"bench{number:017d}"


def is_premium(number: int) -> bool:
    return number % 3 == 0


def body(number: int, *, premium: bool) -> bytes:
    return encode(
        linkedin_account(
            unipile_id(number),
            name=f"Robin Sample {number}",
            public_identifier=f"robin-sample-{number}",
            premium_features=["premium", "sales_navigator"] if premium else [],
            premium_id=f"ACoAAB{number}" if premium else None,
        )
    )


def _response(content: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Unipile:
    """The accounts 0 to `size` - 1, each as a free and as a premium one."""

    def __init__(self, accounts: int) -> None:
        bodies = (body(number, premium=is_premium(number)) for number in range(accounts))
        self._pages = [b",".join(page) for page in _batches(bodies, PAGE_SIZE)]
        self._accounts: dict[bytes, Iterator[bytes]] = {}
        self.size = accounts
        self.latency = 0.0
        self.flapping = False
        self.connections = self.requests = 0

    def answer(self, target: bytes) -> bytes:
        path, _, query = target.partition(b"?")
        if path == b"/bench":
            return _response(self._control(dict(parse_qsl(query.decode()))))
        self.requests += 1
        if path == b"/api/v1/accounts":
            return _response(self._page(int(dict(parse_qsl(query.decode())).get("cursor", 0))))
        return self._account(path.rpartition(b"/")[2])

    def _control(self, changes: dict[str, str]) -> bytes:
        self.size = int(changes.get("size", self.size))
        self.latency = float(changes.get("latency", self.latency))
        self.flapping = bool(int(changes.get("flapping", self.flapping)))
        return json.dumps({"connections": self.connections, "requests": self.requests}).encode()

    def _page(self, number: int) -> bytes:
        is_last = (number + 1) * PAGE_SIZE >= self.size
        cursor = b"null" if is_last else b'"%d"' % (number + 1)
        items = self._pages[number]
        return b'{"object":"AccountList","items":[' + items + b'],"cursor":' + cursor + b"}"

    def _account(self, account_id: bytes) -> bytes:
        answers = self._accounts.get(account_id)
        if answers is None:
            answers = self._accounts[account_id] = self._answers(int(account_id[5:]))
        return next(answers)

    def _answers(self, number: int) -> Iterator[bytes]:
        usual = _response(body(number, premium=is_premium(number)))
        other = _response(body(number, premium=not is_premium(number)))
        while True:
            yield usual
            if self.flapping:
                yield other


class Connection(asyncio.Protocol):
    def __init__(self, unipile: Unipile) -> None:
        self._unipile = unipile
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._is_counted = False

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            return
        target = self._received.split(b" ", 2)[1]
        self._received = b""
        answer = self._unipile.answer(target)
        if target.startswith(b"/bench"):
            self._transport.write(answer)
            return
        self._unipile.connections += not self._is_counted
        self._is_counted = True
        if self._unipile.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._unipile.latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _batches(items: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while batch := list(islice(items, size)):
        yield batch


async def serve(accounts: int, certificate: str | None = None) -> None:
    unipile = Unipile(accounts)
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(unipile), "127.0.0.1", 0, backlog=512, ssl=context
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
