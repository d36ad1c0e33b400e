"""One refresh over HTTP, served as in production."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import LiteralString, NamedTuple

import psutil
import psycopg
from psycopg.rows import DictRow

from bench.report import Report, say
from bench.stack import measured_service, run
from bench.upstream import Upstream
from script.postgres import Server
from script.serving import Service

ACCOUNTS = 1_000
MANY, FEW = 32, 4
ROUNDS, SECONDS = 6, 1.5
LATENCY = 0.05
REFRESH, PLAIN, NO_OP = "/api/unipile/refresh", "/api/bench/plain", "/api/bench/no-op"
LIST, NO_OP_GET = "/api/unipile/accounts", "/api/bench/no-op-get"
Pairs = list[tuple[str, str]]


class Case(NamedTuple):
    path: str
    latency: float = 0.0
    clients: int = MANY


CASES = [Case(path) for path in (REFRESH, PLAIN, NO_OP, LIST, NO_OP_GET)] + [
    Case(path, LATENCY, clients) for clients in (MANY, FEW) for path in (REFRESH, PLAIN)
]
Figures = dict[Case, list[float]]


def measure(report: Report, database: Server, upstream: Upstream) -> float:
    """Return the CPU of a no-op POST in milliseconds."""
    upstream.reset(ACCOUNTS)
    service = measured_service(database, upstream)
    pairs = run("bench.rows", str(ACCOUNTS), environment=service.environment)
    send = partial(_send, service, upstream, pairs)
    times, cpus = Figures(), Figures()
    with service:
        # Let every thread wait once, so that no connection is opened later.
        for path in (REFRESH, PLAIN):
            send(Case(path, 0.8, 3 * MANY))
        for number in range(ROUNDS):
            say(f"One refresh, round {number + 1} of {ROUNDS}")
            for case in CASES:
                cpu = _cpu_milliseconds(service)
                answered = send(case)
                cpu = (_cpu_milliseconds(service) - cpu) / len(answered)
                times.setdefault(case, []).extend(answered)
                cpus.setdefault(case, []).append(cpu)
        with service.connect() as connection, _logged_statements(connection):
            before = database.log.stat().st_size
            refreshes = len(send(Case(REFRESH, clients=1), 0.3))
            log = database.log.read_bytes()[before:].decode()
    kinds = Counter(re.findall(r"^LOG:  (?:statement|execute \S+): *(\w+)", log, re.MULTILINE))
    cpu, plain, no_op = (statistics.median(cpus[Case(path)]) for path in (REFRESH, PLAIN, NO_OP))
    report.add_ratio("CPU of a refresh / the plain view", cpu, plain, "ms", at_most=1.2)
    report.add_ratio("CPU of a refresh / a no-op POST", cpu, no_op, "ms")
    _report_times(report, times)
    begins, ends = kinds.pop("BEGIN", 0) / refreshes, kinds.pop("COMMIT", 0) / refreshes
    report.add("Statements of an unchanged refresh", kinds.total() / refreshes, at_most=3)
    report.add("BEGIN and COMMIT of an unchanged refresh", begins + ends, at_most=0)
    return no_op


def _send(
    service: Service, upstream: Upstream, pairs: Pairs, case: Case, seconds: float = SECONDS
) -> list[float]:
    """Return how long each answer took, in milliseconds."""
    upstream.latency = case.latency
    requests = [_request(case.path, *pair) for pair in pairs]
    shares = [requests[number :: case.clients] for number in range(case.clients)]
    job = {"port": service.port, "seconds": seconds, "clients": shares}
    milliseconds: list[float] = run("bench.load", stdin=json.dumps(job))
    return milliseconds


def _request(path: str, account_id: str, token: str) -> str:
    head = f"{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if path in {LIST, NO_OP_GET}:
        return f"GET {head}\r\n"
    body = json.dumps({"accountId": account_id})
    return f"POST {head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def _cpu_milliseconds(service: Service) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in service.pids()) * 1000


@contextmanager
def _logged_statements(connection: psycopg.Connection[DictRow]) -> Iterator[None]:
    def log(what: LiteralString) -> None:
        connection.execute("ALTER SYSTEM SET log_statement = " + what)
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)

    log("'all'")
    yield
    log("'none'")


def _report_times(report: Report, times: Figures) -> None:
    def ratio(what: str, ours: Case, base: Case, number: int, goal: float | None = None) -> None:
        value, other = (
            statistics.quantiles(times[case], n=100)[number - 1] for case in (ours, base)
        )
        report.add_ratio(f"p{number} of {what}", value, other, "ms", at_most=goal)

    for clients, goal in ((MANY, 1.05), (FEW, None)):
        ours, plain = (Case(path, LATENCY, clients) for path in (REFRESH, PLAIN))
        for number in (50, 99):
            what = f"a refresh / the plain view, 50 ms, {clients} clients"
            ratio(what, ours, plain, number, goal)
    ratio("the list of 10 accounts / a no-op GET", Case(LIST), Case(NO_OP_GET), 50)
