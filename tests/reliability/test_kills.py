"""Processes that end at the worst moment: no half-written row, and service goes on by itself."""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from script.postgres import Server
from script.serving import Service, wait_until
from unipile_accounts.limits import FREE, SALES_NAVIGATOR

# More of them for docs/reliability.md: KILLS=10 RESTARTS=3.
KILLS = int(os.environ.get("KILLS", "2"))
RESTARTS = int(os.environ.get("RESTARTS", "1"))
UNTOUCHED = {**FREE.columns, "name": "", "profile_url": ""}
REFRESHED = {
    **SALES_NAVIGATOR.columns,
    "name": "Robin Sample",
    "profile_url": "https://www.linkedin.com/in/robin-sample-example",
}
FEATURES = ["premium", "sales_navigator"]
WAITING = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Timeout'"
)
NOT_200 = {*range(600)} - {200}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("served")]


def written(service: Service, account: uuid.UUID) -> dict[str, Any]:
    """Return what a refresh writes, which is all old or all new."""
    row = service.row(account)
    found = {name: row[name] for name in REFRESHED}
    assert found in (REFRESHED, UNTOUCHED)
    assert (row["refreshed_at"] is None) is (found == UNTOUCHED)
    return found


def test_server_killed_during_the_write(service: Service) -> None:
    account = service.add_account(premium_features=FEATURES)
    with service.connect() as other, ThreadPoolExecutor(1) as pool:
        # The new values are written by then, and not committed.
        other.execute(
            "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';"
            "CREATE TRIGGER pause AFTER UPDATE ON unipile_accounts EXECUTE FUNCTION pause()"
        )
        refresh = pool.submit(service.refresh, account)
        wait_until(lambda: bool(other.execute(WAITING).fetchall()))
        service.kill()
        assert refresh.result()[0] == 0
        wait_until(lambda: not other.execute(WAITING).fetchall())
        other.execute("DROP TRIGGER pause ON unipile_accounts")
    assert written(service, account) == UNTOUCHED

    service.start()

    # Nobody was told of the change yet.
    status, answer = service.refresh(account)
    assert (status, answer["changed"]) == (200, {"is_premium": True, "has_sales_navigator": True})
    assert written(service, account) == REFRESHED


def test_server_killed_at_any_moment_leaves_whole_rows(service: Service) -> None:
    accounts = [service.add_account(premium_features=FEATURES) for _ in range(20)]
    chance = random.Random(7)
    for _ in range(KILLS):
        ended = threading.Event()

        def keep_refreshing(number: int, ended: threading.Event = ended) -> None:
            for pk in accounts[number::4] * 1000:
                if ended.is_set():
                    return
                service.refresh(pk, timeout=2)

        with ThreadPoolExecutor(4) as pool:
            running = pool.map(keep_refreshing, range(4))
            time.sleep(chance.uniform(0.0, 0.1))
            # Those under way are killed; whoever asked later would wait for the next start.
            ended.set()
            service.kill()
            list(running)
        for pk in accounts:
            written(service, pk)
        service.start()

    assert {service.refresh(pk)[0] for pk in accounts} == {200}


def wait_until_more(statuses: Counter[int], which: set[int], number: int) -> None:
    def count() -> int:
        return sum(statuses[status] for status in which)

    wanted = count() + number
    wait_until(lambda: count() >= wanted)


def test_database_restarted_while_refreshes_run(service: Service, postgres: Server) -> None:
    accounts = [service.add_account(premium_features=FEATURES) for _ in range(16)]
    with service.connect() as connection:
        # Without it PostgreSQL may forget in a crash what it has just confirmed.
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = on")
    service.kill()
    service.start()
    statuses: Counter[int] = Counter()
    reported: Counter[uuid.UUID] = Counter()
    ended = threading.Event()
    recovered: list[float] = []

    def keep_refreshing(pk: uuid.UUID) -> None:
        while not ended.is_set():
            status, answer = service.refresh(pk)
            statuses[status] += 1
            reported[pk] += status == 200 and answer["changed"]["is_premium"]

    with ThreadPoolExecutor(16) as pool:
        running = pool.map(keep_refreshing, accounts)
        try:
            for _ in range(RESTARTS):
                wait_until_more(statuses, {200}, 50)
                postgres.stop()
                wait_until_more(statuses, NOT_200, 1)
                assert service.get("/healthz")[0] == 503
                postgres.start()
                started = time.monotonic()
                wait_until_more(statuses, {200}, 1)
                recovered.append(time.monotonic() - started)
            wait_until_more(statuses, {200}, 100)
        finally:
            ended.set()
        list(running)

    assert set(statuses) == {200, 503}
    assert max(recovered) < 10
    assert {service.refresh(pk)[0] for pk in accounts} == {200}
    assert service.get("/healthz")[0] == 200
    for pk in accounts:
        assert written(service, pk) == REFRESHED
        # Whoever's answer was lost along with the connection was told nothing: never twice.
        assert reported[pk] <= 1
