"""A customer of Unipile that hears its events and notices."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Heard(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


class Receiver:
    """Answers with the next of `statuses`, and with 200 when there is none left."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.statuses: deque[int] = deque()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def messages(self) -> list[str]:
        """What was heard, a notice with its name: CREATION_SUCCESS of st_1."""
        return [_message(heard.json) for heard in self.heard]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(Heard(self.path, dict(self.headers), body))
                status = receiver.statuses.popleft() if receiver.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _message(body: dict[str, Any]) -> str:
    if "AccountStatus" not in body:
        return f"{body['status']} of {body.get('name')}"
    status = body["AccountStatus"]
    product = status.get("product")
    return f"{status['message']}/{product}" if product else str(status["message"])
