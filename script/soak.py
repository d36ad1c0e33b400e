"""Refresh many times through gunicorn and PostgreSQL, and see that nothing grows meanwhile.

Memory, open files and database connections are measured every twentieth of the way. What is there
after a quarter of it, when everything is warm, must still be about what there is at the end.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg.rows import DictRow

from script import children
from script.postgres import PostgresError, Server
from script.serving import Service, migrated_postgres
from unipile_sandbox import Sandbox

REFRESHES = 20_000
ACCOUNTS = 200
THREADS = 16
STEPS = 20
WARM = STEPS // 4
MIB = 1024 * 1024
# Throttles fill the cache, which here happens during the warm-up.
CACHE = "locmemcache://?max_entries=1000"


class Sample(NamedTuple):
    refreshes: int
    mebibytes: float
    files: int
    connections: int


def main(arguments: list[str]) -> int:
    children.raise_stopped_on_signals()
    refreshes = int(arguments[0]) if arguments else REFRESHES
    try:
        with migrated_postgres() as postgres:
            return _soak(postgres, refreshes)
    except children.Stopped as exc:
        return exc.status
    except PostgresError as exc:
        print(f"PostgreSQL did not start: {exc}", file=sys.stderr)
        return 1


def _soak(postgres: Server, refreshes: int) -> int:
    statuses: dict[int, int] = {}
    samples: list[Sample] = []
    started = time.monotonic()
    print("refreshes    MiB  files  connections", flush=True)
    with Sandbox(record=1) as sandbox, Service(postgres, sandbox, CACHE_URL=CACHE) as service:
        accounts = [service.add_account() for _ in range(ACCOUNTS)]
        ids = [service.unipile_id(pk) for pk in accounts]
        turns = itertools.cycle(accounts)
        with ThreadPoolExecutor(THREADS) as pool, service.connect() as watcher:
            for step in range(1, STEPS + 1):
                # Some plans change, so that rows are written in both ways.
                for unipile_id in random.sample(ids, ACCOUNTS // 10):
                    plan = random.choice([[], ["premium"]])  # noqa: S311  # any will do
                    sandbox.update(unipile_id, premium_features=plan)
                due = [next(turns) for _ in range(refreshes // STEPS)]
                for status, _ in pool.map(service.refresh, due):
                    statuses[status] = statuses.get(status, 0) + 1
                samples.append(_sample(step * refreshes // STEPS, service.pids(), watcher))
                print("{:9}  {:5.0f}  {:5}  {:11}".format(*samples[-1]), flush=True)
    seconds = time.monotonic() - started
    print(f"{sum(statuses.values())} refreshes in {seconds:.0f} seconds; by status: {statuses}")
    return _judge(samples, statuses)


def _sample(refreshes: int, pids: list[int], watcher: psycopg.Connection[DictRow]) -> Sample:
    query = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    found = watcher.execute(query).fetchone()
    return Sample(
        refreshes,
        sum(_private_bytes(pid) for pid in pids) / MIB,
        sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        found["n"] if found else 0,
    )


def _private_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _judge(samples: list[Sample], statuses: dict[int, int]) -> int:
    warm, last = samples[WARM - 1], samples[-1]
    faults = []
    if set(statuses) != {200}:
        faults.append("Not every refresh succeeded.")
    if last.mebibytes > warm.mebibytes * 1.1:
        faults.append("Memory grows.")
    if last.files > warm.files + THREADS:
        faults.append("Open files grow.")
    if max(sample.connections for sample in samples) > 20:
        faults.append("There are more database connections than two pools of ten have.")
    print(" ".join(faults) or "Nothing grows.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
