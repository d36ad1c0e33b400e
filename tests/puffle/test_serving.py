"""The server as it runs in production, spoken to with bytes that no client library sends."""

from __future__ import annotations

import http.client
import json
import re
import runpy
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from pytest_django import Settings

from script.settings_environment import isolated
from tests.helpers import until

# One server is enough, and starting it takes seconds.
pytestmark = pytest.mark.xdist_group("test_serving")

ROOT = Path(__file__).parents[2]
HEAD = b"POST /api/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


class Served(NamedTuple):
    port: int
    log: Path
    pid: int

    def send(self, request: bytes, *, cut: bool = False) -> tuple[int | None, str]:
        """Send bytes as they are, and return the status and the body of the answer if any."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(request)
            if cut:
                client.shutdown(socket.SHUT_WR)
            response = http.client.HTTPResponse(client)
            try:
                response.begin()
            except http.client.HTTPException:
                return None, ""
            return response.status, response.read().decode()

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    environment = isolated(
        ALLOWED_HOSTS="127.0.0.1",
        DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
        HTTPS="0",
        METRICS="1",
        SECRET_KEY=secrets.token_urlsafe(50),
        WEB_CONCURRENCY="2",
    )
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True
    )
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "puffle.wsgi", f"--bind=fd://{listener.fileno()}"],
            cwd=ROOT,
            env=environment,
            pass_fds=[listener.fileno()],
            stderr=log,
        )
        served = Served(listener.getsockname()[1], folder / "log", server.pid)
    try:
        until(lambda: bool(served.lines) or server.poll() is not None)
        yield served
    finally:
        server.terminate()
        assert server.wait(30) == 0


MALFORMED = {
    "header": HEAD + b"Authorization: Bearer SECRET\x00\r\n\r\n",
    "line": b"POST /api/token?password=SECRET HTTP/1.1 SECRET\r\n\r\n",
    "short body": HEAD + b'Content-Length: 100\r\n\r\n{"password": "SECRET"',
    "short head": HEAD + b"Authorization: Bearer SECRET",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_a_malformed_request_holds_is_not_logged(served: Served, name: str) -> None:
    before = len(served.lines)

    status, _ = served.send(MALFORMED[name], cut=name.startswith("short"))

    assert status in (None, 400, 500)
    assert served.send(b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n")[0] == 200
    until(lambda: any("/healthz" in line for line in served.lines[before:]))
    assert all(json.loads(line) for line in served.lines)
    assert [line for line in served.lines if "SECRET" in line] == []


def requests_for_a_token(served: Served) -> int:
    """Return how many of them the page of metrics has counted."""
    _, page = served.send(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    [count] = re.findall(r'seconds_count{.*route="/\^api/token/\?\$",status="400"} (.*)', page)
    return int(float(count))


def test_counts_are_of_all_processes_and_outlive_them(served: Served) -> None:
    request = HEAD + b"Content-Length: 0\r\n\r\n"
    served.send(request)
    before = requests_for_a_token(served)
    for _ in range(20):
        served.send(request)
    # Whichever process answers.
    assert [requests_for_a_token(served) for _ in range(10)] == [before + 20] * 10

    worker = psutil.Process(served.pid).children()[0]
    worker.kill()
    worker.wait()

    served.send(request)
    assert requests_for_a_token(served) == before + 21


def test_server_finishes_requests_before_it_stops(settings: Settings) -> None:
    settings.UNIPILE_TIMEOUT = 60

    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"] == 80
