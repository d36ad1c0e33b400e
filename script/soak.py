"""Refresh many times through gunicorn and PostgreSQL, and see that nothing grows meanwhile.

Memory, open files and database connections are measured every twentieth of the way. They must be
about the same after a quarter of it, when everything is warm, and at the end.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import psutil

from script import children
from script.serving import Service, migrated_postgres
from unipile_sandbox import Sandbox

REFRESHES, STEPS, WARM = 20_000, 20, 5
ACCOUNTS, THREADS = 200, 16
# Throttles fill the cache, here during the warm-up.
CACHE = "locmemcache://?max_entries=1000"


class Sample(NamedTuple):
    mebibytes: float
    files: int
    connections: int


def main() -> int:
    with (
        migrated_postgres() as postgres,
        Sandbox(record=1) as sandbox,
        Service(postgres, sandbox, CACHE_URL=CACHE) as service,
    ):
        return _soak(service)


def _soak(service: Service) -> int:
    statuses: Counter[int] = Counter()
    samples = []
    accounts = [service.add_account() for _ in range(ACCOUNTS)]
    print("refreshes    MiB  files  connections", flush=True)
    with ThreadPoolExecutor(THREADS) as pool:
        for step in range(1, STEPS + 1):
            # Change some plans, so that rows are written in both ways.
            for pk in random.sample(accounts, ACCOUNTS // 10):
                plan = random.choice([[], ["premium"]])  # noqa: S311
                service.sandbox.update(service.unipile_id(pk), premium_features=plan)
            due = accounts * (REFRESHES // STEPS // ACCOUNTS)
            statuses.update(status for status, _ in pool.map(service.refresh, due))
            samples.append(_sample(service))
            done = step * REFRESHES // STEPS
            print("{:9}  {:5.0f}  {:5}  {:11}".format(done, *samples[-1]), flush=True)
    print(f"By status: {dict(statuses)}")
    faults = _faults(samples, statuses)
    print(faults or "Nothing grows.")
    return 1 if faults else 0


def _sample(service: Service) -> Sample:
    processes = [psutil.Process(pid) for pid in service.pids()]
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = %s"
    with service.connect() as watcher:
        [found] = watcher.execute(query, [service.database]).fetchall()
    return Sample(
        sum(process.memory_full_info().uss for process in processes) / 1024**2,
        sum(process.num_fds() for process in processes),
        # The watcher has one of these.
        found["n"] - 1,
    )


def _faults(samples: list[Sample], statuses: Counter[int]) -> str:
    warm, last = samples[WARM - 1], samples[-1]
    connections = max(sample.connections for sample in samples)
    faults = {
        "Not every refresh succeeded.": set(statuses) != {200},
        "Memory grows.": last.mebibytes > warm.mebibytes * 1.1,
        "Open files grow.": last.files > warm.files + THREADS,
        "There are more connections than two pools of ten have.": connections > 20,
    }
    return " ".join(fault for fault, is_there in faults.items() if is_there)


if __name__ == "__main__":
    children.run(main)
