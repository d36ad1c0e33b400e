"""One refresh over HTTP, served as in production."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections import Counter, defaultdict
from typing import NamedTuple

import psutil

from bench.report import Report, say
from bench.stack import measured_service, run
from bench.upstream import Upstream
from script.postgres import Server
from script.serving import Service

ACCOUNTS = 1_000
CLIENTS, FEW_CLIENTS = 32, 4
ROUNDS, SECONDS = 6, 1.5
LATENCY = 0.05
REFRESH, PLAIN, NO_OP = "/api/unipile/refresh", "/api/bench/plain", "/api/bench/no-op"
LIST, NO_OP_GET = "/api/unipile/accounts", "/api/bench/no-op-get"
GETS = {LIST, NO_OP_GET}
Pairs = list[tuple[str, str]]


class Case(NamedTuple):
    path: str
    latency: float = 0.0
    clients: int = CLIENTS


CASES = [
    *(Case(path) for path in (REFRESH, PLAIN, NO_OP, LIST, NO_OP_GET)),
    *(
        Case(path, LATENCY, clients)
        for clients in (CLIENTS, FEW_CLIENTS)
        for path in (REFRESH, PLAIN)
    ),
]


class Load:
    """What clients saw in all rounds, and what it cost."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self._cpu: list[float] = []

    def add(self, milliseconds: list[float], cpu_seconds: float) -> None:
        self.milliseconds += milliseconds
        self._cpu.append(cpu_seconds * 1000 / len(milliseconds))

    @property
    def cpu(self) -> float:
        """The milliseconds of a request."""
        return statistics.median(self._cpu)

    def percentile(self, number: int) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[number - 1]


def measure(report: Report, database: Server, upstream: Upstream) -> float:
    """Return the CPU of a no-op POST in milliseconds."""
    upstream.reset(ACCOUNTS)
    service = measured_service(database, upstream)
    pairs: Pairs = run("bench.rows", str(ACCOUNTS), environment=service.environment)
    loads: dict[Case, Load] = defaultdict(Load)
    with service:
        # Every thread waits once, so that no connection is left to open later.
        for path in (REFRESH, PLAIN):
            _send(service, upstream, pairs, Case(path, 0.8, 3 * CLIENTS))
        for number in range(ROUNDS):
            say(f"One refresh, round {number + 1} of {ROUNDS}")
            for case in CASES:
                cpu = _cpu_seconds(service)
                milliseconds = _send(service, upstream, pairs, case)
                loads[case].add(milliseconds, _cpu_seconds(service) - cpu)
        statements = _count_statements(service, upstream, pairs, database)
    _report(report, loads, statements)
    return loads[Case(NO_OP)].cpu


def _send(
    service: Service, upstream: Upstream, pairs: Pairs, case: Case, seconds: float = SECONDS
) -> list[float]:
    upstream.latency = case.latency
    requests = [_request(case.path, *pair) for pair in pairs]
    shares = [requests[number :: case.clients] for number in range(case.clients)]
    job = {"port": service.port, "seconds": seconds, "clients": shares}
    milliseconds: list[float] = run("bench.load", stdin=json.dumps(job))
    return milliseconds


def _request(path: str, account_id: str, token: str) -> str:
    head = f"{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if path in GETS:
        return f"GET {head}\r\n"
    body = json.dumps({"accountId": account_id})
    return f"POST {head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def _cpu_seconds(service: Service) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in service.pids()]
    return float(sum(each.user + each.system for each in times))


def _count_statements(
    service: Service, upstream: Upstream, pairs: Pairs, database: Server
) -> dict[str, float]:
    """Return how many statements of each kind PostgreSQL logs for a refresh."""
    with service.connect() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)
        before = database.log.stat().st_size
        refreshes = len(_send(service, upstream, pairs, Case(REFRESH, clients=1), 0.3))
    with database.log.open("rb") as log:
        log.seek(before)
        text = log.read().decode()
    kinds = Counter(re.findall(r"^LOG:  (?:statement|execute \S+): *(\w+)", text, re.MULTILINE))
    return {kind: count / refreshes for kind, count in kinds.items()}


def _report(report: Report, loads: dict[Case, Load], statements: dict[str, float]) -> None:
    cpu = {path: loads[Case(path)].cpu for path in (REFRESH, PLAIN, NO_OP)}
    report.add_ratio(
        "CPU of a refresh / the plain view", cpu[REFRESH], cpu[PLAIN], "ms", at_most=1.2
    )
    for clients, goal in ((CLIENTS, 1.05), (FEW_CLIENTS, None)):
        refresh, plain = (loads[Case(path, LATENCY, clients)] for path in (REFRESH, PLAIN))
        for number in (50, 99):
            report.add_ratio(
                f"p{number} of a refresh / the plain view, 50 ms, {clients} clients",
                refresh.percentile(number),
                plain.percentile(number),
                "ms",
                at_most=goal,
            )
    begins, ends = (statements.pop(kind, 0) for kind in ("BEGIN", "COMMIT"))
    report.add("Statements of an unchanged refresh", sum(statements.values()), at_most=3)
    report.add("BEGIN and COMMIT of an unchanged refresh", begins + ends, at_most=0)
    report.add_ratio("CPU of a refresh / a no-op POST", cpu[REFRESH], cpu[NO_OP], "ms")
    report.add_ratio(
        "p50 of the list of 10 accounts / a no-op GET",
        loads[Case(LIST)].percentile(50),
        loads[Case(NO_OP_GET)].percentile(50),
        "ms",
    )
