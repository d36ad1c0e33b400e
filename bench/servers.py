"""WSGI servers with the service in them, and what they cost."""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from bench.stack import EVENT_SECRET, Upstream, run
from script import children, tour
from script.postgres import Server as Database

CLIENTS = 32
GETS = {"/api/unipile/accounts", "/api/bench/no-op-get"}
Pairs = list[tuple[str, str]]


def gunicorn(workers: int, threads: int) -> list[str]:
    # gunicorn.conf.py says the rest.
    return [
        *("gunicorn", "puffle.wsgi", "--bind={address}"),
        *(f"--workers={workers}", f"--threads={threads}"),
    ]


def granian(workers: int, threads: int) -> list[str]:
    return [
        *("granian", "puffle.wsgi:application", "--interface=wsgi", "--host=127.0.0.1"),
        *("--port={port}", f"--workers={workers}", f"--blocking-threads={threads}"),
        *("--log-level=warning", "--no-ws"),
    ]


# The first is ours.
SERVERS = {
    "gunicorn, 2 workers of 100 threads": gunicorn(2, 100),
    "gunicorn, 2 workers of 16 threads": gunicorn(2, 16),
    "Granian, 2 workers of 100 threads": granian(2, 100),
}


@dataclass(frozen=True)
class Load:
    """What clients in a closed loop saw, and what it cost."""

    per_second: float
    cpu_milliseconds: float
    p50: float
    p99: float
    new_connections: int


@dataclass(frozen=True)
class Server:
    port: int
    process: psutil.Process
    upstream: Upstream
    accounts: Pairs

    def measure(self, path: str, *, latency: float, seconds: float, clients: int = CLIENTS) -> Load:
        before = self.upstream.set(latency=latency)
        cpu = self._cpu_seconds()
        answer = run("bench.load", stdin=self._job(path, seconds, clients))
        cpu = self._cpu_seconds() - cpu
        if answer["refused"]:
            raise RuntimeError(f"{path} was refused: {answer['refused'][:3]}")
        times = answer["milliseconds"]
        return Load(
            per_second=len(times) / answer["seconds"],
            cpu_milliseconds=cpu * 1000 / len(times),
            p50=statistics.median(times),
            p99=times[len(times) * 99 // 100],
            new_connections=self.upstream.set()["connections"] - before["connections"],
        )

    def warm_up(self, path: str) -> None:
        # So slow and so many that every thread waits: no connection is left to open later.
        self.measure(path, latency=0.8, seconds=1.5, clients=3 * CLIENTS)

    def measure_once(self, path: str) -> int:
        """Send some requests one after the other; return how many."""
        answer = run("bench.load", stdin=self._job(path, 0.3, 1))
        return len(answer["milliseconds"])

    def post_events(self, events: list[str], *, clients: int) -> Any:
        """Post each of them once, as Unipile would; return what bench.load prints."""
        requests = [_event(body) for body in events]
        shares = [requests[number::clients] for number in range(clients)]
        job = {"port": self.port, "seconds": None, "clients": shares}
        return run("bench.load", stdin=json.dumps(job))

    def _job(self, path: str, seconds: float, clients: int) -> str:
        requests = [_request(path, *pair) for pair in self.accounts]
        shares = [requests[number::clients] for number in range(clients)]
        return json.dumps({"port": self.port, "seconds": seconds, "clients": shares})

    def _cpu_seconds(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        times = [each.cpu_times() for each in family]
        return float(sum(each.user + each.system for each in times))


def _request(path: str, account_id: str, token: str) -> str:
    if path in GETS:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    body = json.dumps({"accountId": account_id})
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def _event(body: str) -> str:
    return (
        "POST /api/webhooks/unipile HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Unipile-Auth: {EVENT_SECRET}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


@contextmanager
def serving(
    command: list[str], environment: dict[str, str], upstream: Upstream, accounts: Pairs
) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module, *arguments = [part.format(port=port, address=f"127.0.0.1:{port}") for part in command]
    process = children.start(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        # What the service logs is written, as in production, but nobody reads it.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def check() -> None:
        if process.poll() is not None:
            raise RuntimeError(f"{module} ended by itself.")

    try:
        tour.wait_until_served(port, check=check)
        yield Server(port, psutil.Process(process.pid), upstream, accounts)
    finally:
        children.stop(process)


def count_statements(server: Server, database: Database, path: str) -> dict[str, float]:
    """Return how many statements of each kind PostgreSQL logs for one request."""
    with database.connect("puffle") as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)
        before = database.log.stat().st_size
        requests = server.measure_once(path)
        with database.log.open("rb") as log:
            log.seek(before)
            text = log.read().decode()
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    kinds = Counter(re.findall(r"^LOG:  (?:statement|execute \S+): *(\w*)", text, re.MULTILINE))
    return {kind or "empty": count / requests for kind, count in kinds.items()}
