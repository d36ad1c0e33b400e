"""Unipile takes 5 seconds and more an answer, and 64 refreshes wait for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from script.postgres import Server
from script.serving import PATIENCE, Service, wait_until
from unipile_sandbox import Request, Sandbox

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

    def wait(_: Request) -> None:
        answering.wait(PATIENCE)

    sandbox.on_answer = wait
    slowest = {"token": 0.0, "/admin/login/": 0.0, "/healthz": 0.0}
    samples = []
    with Service(postgres, sandbox, UNIPILE_TIMEOUT="60") as service:
        accounts = [service.add_account(premium_features=["premium"]) for _ in range(REFRESHES)]
        with service.connect() as watcher, ThreadPoolExecutor(REFRESHES) as pool:
            answers = pool.map(service.refresh, accounts)
            try:
                wait_until(lambda: sandbox.request_count == REFRESHES)
                ends = time.monotonic() + LATENCY
                while time.monotonic() < ends:
                    for name, before in slowest.items():
                        started = time.monotonic()
                        status, _ = service.log_in() if name == "token" else service.get(name)
                        assert status == 200
                        slowest[name] = max(before, time.monotonic() - started)
                        samples += watcher.execute(_CONNECTIONS).fetchall()
            finally:
                answering.set()
            statuses = [status for status, _ in answers]
        rows = [service.row(pk) for pk in accounts]

    # For docs/reliability.md; pytest -rP shows it.
    print(f"{len(samples)} samples; slowest, in seconds: {slowest}")  # noqa: T201
    assert statuses == [200] * REFRESHES
    assert {row["is_premium"] for row in rows} == {True}
    assert max(slowest.values()) < PROMPT
    assert {sample["idle_in_transaction"] for sample in samples} == {0}
    # Two processes with a pool of ten each.
    assert max(sample["connections"] for sample in samples) <= 20
