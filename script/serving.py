"""The project as it is served, with gunicorn, PostgreSQL and the sandbox."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import urllib3
from psycopg.rows import DictRow

from script import children
from script.postgres import Server, temporary_postgres
from script.settings_environment import isolated
from unipile_sandbox import Sandbox, linkedin_account

PATIENCE = 30.0
_SECRET_KEY = secrets.token_urlsafe(50)
PASSWORD = "a-long-password"  # noqa: S105  # of an invented user


@contextmanager
def migrated_postgres() -> Iterator[Server]:
    """Yield a PostgreSQL whose database `puffle` has our tables and one user, `owner`."""
    with temporary_postgres() as server:
        with server.connect("postgres") as connection:
            connection.execute("CREATE DATABASE puffle")
        environment = isolated(
            DATABASE_URL=server.url,
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
            HTTPS="0",
            SECRET_KEY=_SECRET_KEY,
        )
        for command in ("migrate", "createsuperuser --username=owner --email="):
            subprocess.run(
                [
                    sys.executable,
                    "manage.py",
                    *command.split(),
                    "--no-input",
                    "--skip-checks",
                    "--verbosity=0",
                ],
                check=True,
                env=environment,
            )
        yield server


class Service:
    """Gunicorn with a database of its own, and one owner, who is logged in.

    A service with a `twin` shares its database, as on a second machine. `via` is the URL of a
    pgbouncer. What gunicorn logs is added to the file `log`.
    """

    def __init__(
        self,
        postgres: Server,
        sandbox: Sandbox,
        *,
        twin: Service | None = None,
        via: str = "",
        log: Path | None = None,
        **settings: str,
    ) -> None:
        self.sandbox = sandbox
        self._log = log or Path(os.devnull)
        self._postgres = postgres
        self.database: str = twin.database if twin else f"puffle_{uuid.uuid4().hex}"
        if not twin:
            with postgres.connect("postgres") as connection:
                connection.execute(f"CREATE DATABASE {self.database} TEMPLATE puffle")
        self.environment = isolated(
            **{
                "ACCESS_TOKEN_LIFETIME": "86400",
                "ALLOWED_HOSTS": "127.0.0.1",
                "DATABASE_URL": (via or postgres.url).replace("/puffle?", f"/{self.database}?"),
                "DJANGO_SETTINGS_MODULE": "puffle.settings",
                "HTTPS": "0",
                "SECRET_KEY": _SECRET_KEY,
                "THROTTLE_REFRESH": "999999/min",
                "THROTTLE_TOKEN": "999999/min",
                "UNIPILE_API_KEY": sandbox.api_key,
                "UNIPILE_DSN": sandbox.url,
                **settings,
            }
        )
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._pool = urllib3.PoolManager(maxsize=100, retries=False)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        _, answer = self.log_in()
        self.token = answer["access"]
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._pool.clear()

    # --- Processes --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start gunicorn on the port, which stays open when it is killed."""
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        with self._log.open("ab") as log:
            self._server = children.start(
                [
                    *(sys.executable, "-m", "gunicorn", "puffle.wsgi"),
                    *(f"--bind=fd://{self._listener.fileno()}", "--graceful-timeout=1"),
                ],
                env=self.environment,
                pass_fds=[self._listener.fileno()],
                stderr=log,
            )
        wait_until(lambda: self.get("/healthz")[0] == 200)

    def kill(self) -> None:
        """End gunicorn and its workers at once."""
        if self._server is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def close(self) -> None:
        """End gunicorn and close the port, as a machine that goes down."""
        self.kill()
        self._listener.close()

    def pids(self) -> list[int]:
        assert self._server is not None  # noqa: S101
        return children.family(self._server.pid)

    # --- Requests ---------------------------------------------------------------------------------

    def get(self, path: str, *, timeout: float = PATIENCE) -> tuple[int, bytes]:
        return self._send("GET", path, timeout=timeout)

    def refresh(
        self, pk: uuid.UUID, *, timeout: float = PATIENCE, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Return the status, 0 if there was no answer, and the answer."""
        body = {"accountId": str(pk), **more}
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._post("/api/unipile/refresh", json=body, headers=headers, timeout=timeout)

    def log_in(self) -> tuple[int, dict[str, Any]]:
        return self._post("/api/token", json={"username": "owner", "password": PASSWORD})

    def _post(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        status, answer = self._send("POST", path, **options)
        # nginx answers with a page when gunicorn is down.
        return status, json.loads(answer) if answer.startswith(b"{") else {}

    def _send(self, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            answer = self._pool.request(method, url, **{"timeout": PATIENCE, **options})
        except urllib3.exceptions.HTTPError:
            return 0, b""
        return answer.status, answer.data

    # --- Rows -------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[DictRow]:
        """Open a connection beside those of the service."""
        return self._postgres.connect(self.database)

    def add_account(self, **payload: Any) -> uuid.UUID:
        """Store a free account. The sandbox has it as the payload says."""
        pk = uuid.uuid4()
        unipile_account_id = self.sandbox.add(linkedin_account(**payload))
        with self.connect() as connection:
            connection.execute(
                "INSERT INTO unipile_accounts (id, user_id, unipile_account_id, name, profile_url,"
                " status, is_premium, has_sales_navigator, weekly_connection_limit,"
                " weekly_message_limit, created_at, updated_at)"
                " SELECT %s, id, %s, '', '', 'connected', false, false, 80, 100, now(), now()"
                " FROM auth_user",
                [pk, unipile_account_id],
            )
        return pk

    def row(self, pk: uuid.UUID) -> dict[str, Any]:
        query = "SELECT * FROM unipile_accounts WHERE id = %s"
        with self.connect() as connection:
            found = connection.execute(query, [pk]).fetchone()
        assert found is not None  # noqa: S101
        return found

    def unipile_id(self, pk: uuid.UUID) -> str:
        return str(self.row(pk)["unipile_account_id"])


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("It did not happen in time.")
        time.sleep(0.02)
