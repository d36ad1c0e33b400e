"""The sandbox as tests and benchmarks use it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from unipile_sandbox import api, control, hosted
from unipile_sandbox.accounts import AccountStore
from unipile_sandbox.answers import Operation
from unipile_sandbox.deliveries import QUICK_DELAYS
from unipile_sandbox.fault_queue import FaultQueue
from unipile_sandbox.faults import Fault
from unipile_sandbox.life import Life
from unipile_sandbox.outbox import Outbox
from unipile_sandbox.payloads import Payload, change
from unipile_sandbox.plans import PlanStore, member_of
from unipile_sandbox.server import Reply, Request, Server
from unipile_sandbox.workspace import Workspace


class Sandbox(Life):
    """Unipile's API on a local port, served from threads of this process.

    `latency` seconds pass before each answer. `on_answer` is called with each request when its
    answer is made up and not yet sent; what it changes comes too late for that answer.
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
        self.api_key = api_key
        self.host = host
        self.port = port
        self._lock = threading.RLock()
        self._initial = AccountStore(accounts)
        self._initial_plans = PlanStore()
        for account_id, plan in (plans or {}).items():
            self._initial_plans.set(member_of(self._initial.get(account_id)), plan)
        self.outbox = Outbox(retry_delays)
        self._faults = FaultQueue()
        self._requests: deque[Request] = deque(maxlen=record)
        self._server: Server | None = None
        self.reset()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, which is also what the DSN setting takes."""
        return f"http://{self.host}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """The last requests to the API, `record` of them at most."""
        with self._lock:
            return list(self._requests)

    @property
    def _accounts(self) -> AccountStore:
        return self._workspace.accounts

    def start(self) -> Self:
        """Listen; a port that was free to choose is kept for the next start."""
        if self._server is None:
            self._server = Server((self.host, self.port), self._respond)
            self.port = self._server.server_address[1]
            self._server.start()
            self.outbox.start()
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

    def reset(self) -> None:
        """Go back to the accounts of the start: no faults, no latency, nothing counted."""
        # A receiver may be asking this sandbox, so no lock is held yet.
        self.outbox.clear()
        with self._lock:
            self._workspace = Workspace(
                self._initial.copy(), self._initial_plans.copy(), self.outbox
            )
            self._faults.clear()
            self._requests.clear()
            self.request_count = 0
            self.latency = 0.0
            self.on_answer: Callable[[Request], None] | None = None

    def add(self, payload: Payload) -> str:
        """Add an account, or replace the one with the same id; return its id."""
        with self._lock:
            return self._accounts.put(payload)

    def load(self, payloads: Iterable[Payload]) -> None:
        for payload in payloads:
            self.add(payload)

    def get(self, account_id: str) -> Payload:
        with self._lock:
            return self._accounts.get(account_id)

    def update(self, account_id: str, /, **changes: Any) -> Payload:
        """Change keys where Unipile keeps them; see `accounts.change`."""
        with self._lock:
            payload = self._accounts.get(account_id)
            change(payload, changes)
            self._accounts.put(payload)
            return payload

    def remove(self, account_id: str) -> None:
        with self._lock:
            self._accounts.remove(account_id)

    def inject(
        self,
        fault: Fault,
        *,
        account_id: str | None = None,
        page: int | None = None,
        times: int | None = None,
        operation: Operation | None = None,
        reused: bool = False,
    ) -> None:
        """Spoil what is about one account, the list from a page on, or else every answer.

        `operation` narrows it to one kind of request, `reused` to those that are not the first of
        their connection. An error status keeps the request from having its effect.
        """
        with self._lock:
            self._faults.inject(
                fault,
                account_id=account_id,
                page=page,
                times=times,
                operation=operation,
                reused=reused,
            )

    def clear_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def state(self) -> dict[str, Any]:
        """Say what is there; of the accounts, the first few by name."""
        with self._lock:
            return {
                "account_count": len(self._accounts),
                "request_count": self.request_count,
                "fault_count": len(self._faults),
                "webhook_count": len(self.webhooks),
                "delivery_count": len(self.deliveries),
                "accounts": self._accounts.names(control.NAMED_ACCOUNTS),
            }

    def _respond(self, request: Request) -> Reply:
        method, path, body = request.method, request.path, request.body
        if control.is_control(path):
            return Reply(control.answer(self, method, path, body))
        if hosted.is_hosted(path):
            with self._lock:
                return Reply(hosted.answer(self._workspace, method, path, body))
        with self._lock:
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
