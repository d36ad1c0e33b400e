"""The sandbox as tests and benchmarks use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from unipile_sandbox import api, control, hosted
from unipile_sandbox.life import Life
from unipile_sandbox.outbox import QUICK_DELAYS
from unipile_sandbox.payloads import Payload
from unipile_sandbox.server import Reply, Request, Server


class Sandbox(Life):
    """Unipile's API on a local port, served from threads of this process.

    `latency` seconds pass before each answer. `on_answer` is called with each request when its
    answer is made and not yet sent, so what it changes comes too late for that answer.
    """

    def __init__(
        self,
        accounts: Iterable[Payload] = (),
        *,
        api_key: str = "sandbox-key",
        host: str = "127.0.0.1",
        port: int = 0,
        record: int = 10_000,
        plans: Mapping[str, Mapping[str, Any]] | None = None,
        retry_delays: Sequence[float] = QUICK_DELAYS,
    ) -> None:
        super().__init__(accounts, plans or {}, record=record, retry_delays=retry_delays)
        self.api_key = api_key
        self.host = host
        self.port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, which is also what the DSN setting takes."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Listen, and keep a port that was free to choose for the next start."""
        if self._server is None:
            self._server = Server((self.host, self.port), self._respond)
            self.port = self._server.server_address[1]
            self._server.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
            self.outbox.stop()

    def hang_up(self) -> None:
        """Close all connections, also in the middle of an answer."""
        if self._server is not None:
            self._server.hang_up()

    def _respond(self, request: Request) -> Reply:
        if control.is_control(request.path):
            return Reply(control.answer(self, request))
        with self._lock:
            if hosted.is_hosted(request.path):
                return Reply(hosted.answer(self._workspace, request))
            self.request_count += 1
            self._requests.append(request)
            answer = api.answer(
                request, workspace=self._workspace, base_url=self.url, api_key=self.api_key
            )
            fault = self._faults.take(answer, reused=request.reused)
            if answer.effect and not (fault and fault.refuses):
                answer.effect()
        if self.on_answer is not None:
            self.on_answer(request)
        return Reply(answer, fault, self.latency + (fault.delay if fault else 0))
