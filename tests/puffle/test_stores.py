"""What befalls PostgreSQL, and what the site says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from django.db import Error, connection
from django.db.utils import ConnectionHandler
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from puffle import environment
from puffle.stores import is_passing
from script.postgres import Server, temporary_postgres
from tests.helpers import until

BOUND = 0.5
# For a busy machine. Without the bound each of these takes 30 seconds or has no end.
AT_MOST = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with temporary_postgres() as server:
        server.url = server.url.replace("/puffle?", "/postgres?")
        yield server


@pytest.fixture
def database(server: Server, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """A database of Django's with a bound of half a second."""
    found = environment.database("TEST_URL", default=server.url, pool_size=3, timeout=BOUND)
    database: Any = ConnectionHandler({"default": {}, "bounded": found})["bounded"]
    with django_db_blocker.unblock():
        yield database
        database.close()
        database.close_pool()


def ask(database: Any, sql: str = "SELECT 1") -> Any:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone() if cursor.description else None


@contextmanager
def failing_in_time() -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(Error) as caught:
        yield
    assert time.monotonic() - started < AT_MOST
    assert is_passing(caught.value), caught.value


def comes_back(database: Any) -> bool:
    with suppress(Error):
        return bool(ask(database) == (1,))
    database.close()
    return False


@pytest.fixture
def elsewhere(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else's, such as psql."""
    with psycopg.connect(server.url, autocommit=True) as elsewhere:
        elsewhere.execute("CREATE TABLE IF NOT EXISTS locked (id int)")
        yield elsewhere


def test_long_statement_ends_in_the_server_too(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    with failing_in_time():
        ask(database, "SELECT pg_sleep(30)")

    running = "FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
    until(lambda: elsewhere.execute(f"SELECT count(*) {running}").fetchone() == (0,))
    until(lambda: comes_back(database))


def test_wait_for_a_lock_ends_at_the_bound(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    with elsewhere.transaction():
        elsewhere.execute("LOCK TABLE locked")
        with failing_in_time():
            ask(database, "SELECT count(*) FROM locked")

    until(lambda: comes_back(database))


def test_idle_transaction_ends_at_the_bound(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    database.set_autocommit(False)
    ask(database, "LOCK TABLE locked")

    elsewhere.execute("SELECT count(*) FROM locked")

    with failing_in_time():
        ask(database)
    database.close()
    until(lambda: comes_back(database))


def test_restarted_server_is_back_by_itself(database: Any, server: Server) -> None:
    ask(database)
    server.stop()
    try:
        with failing_in_time():
            ask(database)
        database.close()
    finally:
        server.start()

    until(lambda: comes_back(database))


@pytest.mark.parametrize(
    ("sqlstate", "passing"), [("55P03", True), ("25006", True), ("23505", False)]
)
def test_passing_error_is_no_fault_of_ours(database: Any, sqlstate: str, passing: bool) -> None:
    with pytest.raises(Error) as caught:
        ask(database, f"DO $$BEGIN RAISE SQLSTATE '{sqlstate}'; END$$")

    assert is_passing(caught.value) is passing


# --- What the site says of it ---------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL is read-only.")
@pytest.mark.django_db(transaction=True)
def test_health_is_503_where_nothing_is_written(client: Client) -> None:
    name = connection.settings_dict["NAME"]
    database: Any = connection
    ask(database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close_pool()
    assert client.get("/healthz").status_code == 503

    ask(database, "SET default_transaction_read_only = off")
    ask(database, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    database.close_pool()
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_health_is_told_whatever_the_host(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["puffle.example"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200
