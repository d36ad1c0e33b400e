"""Unipile takes 5 seconds and more an answer, and 64 refreshes wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from script.postgres import Server
from script.serving import PATIENCE, Service, wait_until
from unipile_sandbox import Sandbox

REFRESHES = 64
LATENCY = 5.0
PROMPT = 5.0

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("served")]

_CONNECTIONS = (
    "SELECT count(*) AS connections,"
    # The health check and a login have short transactions of their own.
    " count(*) FILTER (WHERE state LIKE 'idle in transaction%'"
    "   AND state_change < clock_timestamp() - interval '0.2 s') AS idle_in_transaction"
    " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_slow_unipile_holds_up_nobody_else(postgres: Server, sandbox: Sandbox) -> None:
    # Unipile answers nobody before everybody has asked and the others were served.
    answering = threading.Event()
    sandbox.on_answer = lambda _: _wait(answering)
    slowest = {"token": 0.0, "admin": 0.0, "healthz": 0.0}

    def serve(name: str, ask: Callable[[], int]) -> None:
        started = time.monotonic()
        assert ask() == 200
        slowest[name] = max(slowest[name], time.monotonic() - started)

    with Service(postgres, sandbox, UNIPILE_TIMEOUT="60") as service:
        accounts = [service.add_account(premium_features=["premium"]) for _ in range(REFRESHES)]
        with (
            service.connect() as watcher,
            ThreadPoolExecutor(REFRESHES) as pool,
            sampling(lambda: watcher.execute(_CONNECTIONS).fetchone()) as samples,
        ):
            answers = pool.map(service.refresh, accounts)
            try:
                wait_until(lambda: sandbox.request_count == REFRESHES)
                started, before = time.monotonic(), len(samples)
                for _ in range(3):
                    serve("token", lambda: service.log_in()[0])
                    serve("admin", lambda: service.get("/admin/login/")[0])
                for _ in range(10):
                    serve("healthz", lambda: service.get("/healthz")[0])
                time.sleep(max(0.0, LATENCY - (time.monotonic() - started)))
                waiting = samples[before:]
            finally:
                answering.set()
            statuses = [status for status, _ in answers]
        rows = [service.row(pk) for pk in accounts]

    # For docs/reliability.md; pytest -rP shows it.
    print(f"{len(waiting)} samples; slowest, in seconds: {slowest}")  # noqa: T201
    assert statuses == [200] * REFRESHES
    assert {row["is_premium"] for row in rows} == {True}
    assert max(slowest.values()) < PROMPT
    assert {sample["idle_in_transaction"] for sample in waiting} == {0}
    # Two processes with a pool of ten each.
    assert max(sample["connections"] for sample in samples) <= 20


def _wait(answering: threading.Event) -> None:
    answering.wait(PATIENCE)


@contextmanager
def sampling(measure: Callable[[], Any], *, every: float = 0.05) -> Iterator[list[Any]]:
    """Collect what is measured while the block runs, and at least once."""
    samples: list[Any] = []
    ended = threading.Event()

    def sample() -> None:
        while True:
            with suppress(psycopg.OperationalError):
                samples.append(measure())
            if ended.wait(every):
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
