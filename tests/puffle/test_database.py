"""What befalls PostgreSQL, directly and behind pgbouncer in transaction mode."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import Error, connection
from django.db.utils import ConnectionHandler
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from puffle import environment
from puffle.database import is_passing
from script.postgres import Server, temporary_postgres
from tests.helpers import until

BOUND = 0.5
BOUNDS = {
    "statement_timeout": "500ms",
    "lock_timeout": "300ms",
    "idle_in_transaction_session_timeout": "500ms",
}
# For a busy machine. Without the bound each of these takes 30 seconds or has no end.
AT_MOST = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with temporary_postgres() as server:
        with psycopg.connect(server.url.replace("/puffle?", "/postgres?"), autocommit=True) as here:
            here.execute("CREATE DATABASE puffle")
            # As docs/deploy.md has it for pgbouncer.
            here.execute("CREATE ROLE puffle SUPERUSER LOGIN")
            for name, bound in BOUNDS.items():
                here.execute(f"ALTER ROLE puffle SET {name} = '{bound}'")
        yield server


# Before 1.20 it can crash when PostgreSQL hangs, so start it again, as systemd does.
KEPT_UP = """trap 'kill $!; wait; exit' TERM; while :; do "$0" -q "$1" & wait $!; sleep 0.1; done"""


@pytest.fixture(scope="module")
def bouncer(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a pgbouncer, which each statement may find on another connection."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "There is no pgbouncer: apt-get install pgbouncer"
    folder = Path(server.url.partition("host=")[2]) / "bouncer"
    account = _unprivileged()
    folder.mkdir(mode=0o755)
    if account:
        shutil.chown(folder, account)
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={folder.parent} user=puffle\n"
        "[pgbouncer]\npool_mode = transaction\n"
        f"auth_type = any\nauth_file = {folder}/users\nunix_socket_dir = {folder}\n"
        "listen_addr =\nlisten_port = 6432\nquery_wait_timeout = 1\n"
        "server_login_retry = 0.1\nserver_connect_timeout = 1\n"
    )
    process = subprocess.Popen(
        ["/bin/sh", "-c", KEPT_UP, program, folder / "ini"], user=account, cwd=folder
    )
    try:
        until((folder / ".s.PGSQL.6432").exists)
        yield f"postgres://postgres@/puffle?host={quote(str(folder))}&port=6432&options="
    finally:
        process.terminate()
        process.wait(10)


def _unprivileged() -> str | None:
    """Return whom to run pgbouncer as, which refuses root."""
    return pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None


@pytest.fixture(params=["direct", "bouncer"])
def database(
    request: pytest.FixtureRequest,
    server: Server,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Any]:
    """A database of Django's with a bound of half a second."""
    url = server.url if request.param == "direct" else request.getfixturevalue("bouncer")
    found = environment.database("TEST_URL", default=url, pool_size=3, timeout=BOUND)
    handler = ConnectionHandler({"default": {}, request.node.name: found})
    database: Any = handler[request.node.name]
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
        yield elsewhere


def running(elsewhere: psycopg.Connection[Any], sql: str) -> int:
    row = elsewhere.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'", [sql]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_long_statement_ends_in_the_server_too(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    with failing_in_time():
        ask(database, "SELECT pg_sleep(30)")

    until(lambda: running(elsewhere, "SELECT pg_sleep(30)") == 0)
    until(lambda: comes_back(database))


def test_wait_for_a_lock_ends_at_the_bound(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    elsewhere.execute("CREATE TABLE IF NOT EXISTS locked (id int)")
    with elsewhere.transaction():
        elsewhere.execute("LOCK TABLE locked")
        with failing_in_time():
            ask(database, "SELECT count(*) FROM locked")

    until(lambda: comes_back(database))
    assert ask(database, "SELECT count(*) FROM locked") == (0,)


def test_idle_transaction_ends_at_the_bound(
    database: Any, elsewhere: psycopg.Connection[Any]
) -> None:
    elsewhere.execute("CREATE TABLE IF NOT EXISTS held (id int)")
    database.set_autocommit(False)
    ask(database, "LOCK TABLE held")

    elsewhere.execute("SELECT count(*) FROM held")

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
    ("sqlstate", "passing"),
    [
        ("08006", True),
        ("55P03", True),
        ("57P01", True),
        ("40001", True),
        ("25006", True),
        ("42P01", False),
        ("22001", False),
        ("23505", False),
    ],
)
def test_passing_error_is_no_fault_of_ours(database: Any, sqlstate: str, passing: bool) -> None:
    with pytest.raises(Error) as caught:
        ask(database, f"DO $$BEGIN RAISE SQLSTATE '{sqlstate}'; END$$")

    assert is_passing(caught.value) is passing


# --- What the site says of it ---------------------------------------------------------------------


@pytest.fixture
def postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("About PostgreSQL, on which these tests run too.")


@pytest.mark.usefixtures("postgresql")
@pytest.mark.django_db(transaction=True)
def test_health_is_503_where_nothing_is_written(client: Client) -> None:
    name = connection.settings_dict["NAME"]
    database: Any = connection
    ask(database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close_pool()
    assert client.get("/healthz").status_code == 503

    with psycopg.connect(**_parameters(), autocommit=True) as elsewhere:
        elsewhere.execute("SET default_transaction_read_only = off")
        elsewhere.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    database.close_pool()
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "unknown.example", "a b"])
def test_health_is_told_whatever_the_host(client: Client, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["puffle.example"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold", "options"):
        del parameters[name]
    return parameters
