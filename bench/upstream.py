"""A stand-in for Unipile that costs next to nothing, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Self
from urllib.parse import parse_qsl

from unipile_sandbox import linkedin_account
from unipile_sandbox.answers import encode

_ANY_NUMBER = "0" * 17


def payload(number: int | str, *, premium: bool) -> dict[str, Any]:
    text = f"{number:0>17}"
    return linkedin_account(
        f"bench{text}",
        name=f"Robin Sample {text}",
        public_identifier=f"robin-sample-{text}",
        premium_features=["premium", "sales_navigator"] if premium else [],
        premium_id=f"ACoAAB{text}" if premium else None,
    )


_BODIES = {premium: encode(payload(_ANY_NUMBER, premium=premium)) for premium in (False, True)}


class Upstream:
    """Answers for `size` accounts, a third of them premium, after `latency` seconds."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, size: int, *, latency: float = 0.0) -> None:
        self.size = size
        self.latency = latency
        self._changed: set[int] = set()

    def change(self, one_in: int) -> None:
        """Change the plan of one account in so many."""
        self._changed ^= {one_in}

    def answer(self, target: bytes) -> bytes:
        path, _, query = target.partition(b"?")
        if path == b"/api/v1/accounts":
            return _response(self._page(dict(parse_qsl(query.decode()))))
        return _response(self._account(int(path.rpartition(b"/bench")[2])))

    def _page(self, query: dict[str, str]) -> bytes:
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        end = min(start + limit, self.size)
        cursor = b"null" if end == self.size else b'"%d"' % end
        items = b",".join(map(self._account, range(start, end)))
        return b'{"object":"AccountList","items":[' + items + b'],"cursor":' + cursor + b"}"

    def _account(self, number: int) -> bytes:
        changes = sum(number % one_in == 0 for one_in in self._changed)
        body = _BODIES[(number % 3 == 0) ^ (changes % 2 == 1)]
        return body.replace(_ANY_NUMBER.encode(), b"%017d" % number)

    # --- Serving ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", backlog=512)
        server = self._loop.run_until_complete(listening)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            return
        answer = self._upstream.answer(self._received.split(b" ", 2)[1])
        self._received = b""
        if self._upstream.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._upstream.latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _response(content: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
