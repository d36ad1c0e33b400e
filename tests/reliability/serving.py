"""The project as it is served: gunicorn's processes, PostgreSQL, and Unipile's stand-in."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import urllib3
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from psycopg.rows import dict_row
from rest_framework_simplejwt.tokens import AccessToken

from script import children
from script.postgres import Server
from script.settings_environment import isolated
from unipile_sandbox import Sandbox, linkedin_account

PASSWORD = "a-long-password"
PATIENCE = 30.0


class Service:
    """Gunicorn with a database and rows of its own; one owner, who is logged in."""

    def __init__(self, postgres: Server, sandbox: Sandbox, **changed: str) -> None:
        self.sandbox = sandbox
        self._database = f"puffle_{uuid.uuid4().hex}"
        self._postgres = postgres
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {self._database} TEMPLATE puffle")
        self._owner = User(pk=1, password=PBKDF2PasswordHasher().encode(PASSWORD, "salt"))
        self._add_owner()
        self.token = str(AccessToken.for_user(self._owner))
        self._environment = isolated(
            **{
                "ALLOWED_HOSTS": "127.0.0.1",
                "DATABASE_URL": postgres.url.replace("/puffle?", f"/{self._database}?"),
                "DJANGO_SETTINGS_MODULE": "puffle.settings",
                "HTTPS": "0",
                "SECRET_KEY": settings.SECRET_KEY,
                "THROTTLE_REFRESH": "999999/min",
                "THROTTLE_TOKEN": "999999/min",
                "UNIPILE_API_KEY": sandbox.api_key,
                "UNIPILE_DSN": sandbox.url,
                **changed,
            }
        )
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._port = self._listener.getsockname()[1]
        self._pool = urllib3.PoolManager(maxsize=100, retries=False)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._listener.close()
        self._pool.clear()

    # --- Processes --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start gunicorn on the port, which stays open while it is down."""
        self._server = children.start(
            [
                *(sys.executable, "-m", "gunicorn", "puffle.wsgi"),
                *(f"--bind=fd://{self._listener.fileno()}", "--graceful-timeout=1"),
            ],
            env=self._environment,
            pass_fds=[self._listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: self.get("/healthz")[0] == 200)

    def kill(self) -> None:
        """End gunicorn and its workers at once."""
        assert self._server is not None
        with suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def pids(self) -> list[int]:
        assert self._server is not None
        pid = self._server.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, workers.split())]

    # --- Requests ---------------------------------------------------------------------------------

    def get(self, path: str, **options: Any) -> tuple[int, bytes]:
        return self._send("GET", path, **options)

    def refresh(self, pk: uuid.UUID, *, timeout: float = PATIENCE) -> tuple[int, dict[str, Any]]:
        """Return the status, 0 if there was no answer, and the answer."""
        status, body = self._send(
            "POST",
            "/api/unipile/refresh",
            body=json.dumps({"accountId": str(pk)}),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            timeout=timeout,
        )
        return status, json.loads(body or b"{}")

    def log_in(self) -> int:
        body = json.dumps({"username": "owner", "password": PASSWORD})
        headers = {"Content-Type": "application/json"}
        return self._send("POST", "/api/token", body=body, headers=headers)[0]

    def _send(self, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self._port}{path}"
        try:
            answer = self._pool.request(method, url, **{"timeout": PATIENCE, **options})
        except urllib3.exceptions.HTTPError:
            return 0, b""
        return answer.status, answer.data

    # --- Rows -------------------------------------------------------------------------------------

    def connect(self, database: str = "") -> psycopg.Connection[dict[str, Any]]:
        """Open a connection of our own, beside those of the service."""
        host = self._postgres.url.rpartition("=")[2]
        return psycopg.connect(
            host=host,
            user="postgres",
            dbname=database or self._database,
            autocommit=True,
            row_factory=dict_row,
        )

    def add_account(self, **payload: Any) -> uuid.UUID:
        """Store a free account, which is at Unipile as the payload says."""
        pk = uuid.uuid4()
        unipile_account_id = self.sandbox.add(linkedin_account(**payload))
        with self.connect() as connection:
            connection.execute(
                "INSERT INTO unipile_accounts (id, user_id, unipile_account_id, name, profile_url,"
                " status, is_premium, has_sales_navigator, weekly_connection_limit,"
                " weekly_message_limit, created_at, updated_at) VALUES (%s, 1, %s, '', '',"
                " 'connected', false, false, 80, 100, now(), now())",
                [pk, unipile_account_id],
            )
        return pk

    def row(self, pk: uuid.UUID) -> dict[str, Any]:
        with self.connect() as connection:
            row = connection.execute("SELECT * FROM unipile_accounts WHERE id = %s", [pk])
            found = row.fetchone()
            assert found is not None
            return found

    def unipile_id(self, pk: uuid.UUID) -> str:
        return str(self.row(pk)["unipile_account_id"])

    def _add_owner(self) -> None:
        with self.connect() as connection:
            connection.execute(
                "INSERT INTO auth_user (id, password, is_superuser, username, first_name,"
                " last_name, email, is_staff, is_active, date_joined)"
                " VALUES (1, %s, true, 'owner', '', '', '', true, true, now())",
                [self._owner.password],
            )


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)


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
