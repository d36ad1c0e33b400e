"""A storm of Unipile's events, and what the API's users feel of it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from bench import rows, stack
from bench.one import REFRESH
from bench.report import Report, say
from bench.servers import SERVERS, serving
from bench.upstream import unipile_id
from script.postgres import Server as Database

ACCOUNTS = 1_000
# Unipile restarts, over and over: each account is connecting, and then well.
MESSAGES = ("CONNECTING", "OK")
POSTING, REFRESHING = 16, 8
LATENCY = 0.05


def measure(database: Database, report: Report, *, quick: bool) -> None:
    events = 1_000 if quick else 10_000
    say(f"A storm of {events:,} events")
    with stack.upstream(ACCOUNTS, https=True) as upstream:
        rows.fill(database, ACCOUNTS)
        rows.age(database, changed_one_in=0)
        environment = stack.environment(database, upstream)
        accounts = stack.run("bench.tokens", environment=environment)
        with serving(next(iter(SERVERS.values())), environment, upstream, accounts) as server:
            server.warm_up(REFRESH)

            def refresh() -> float:
                load = server.measure(REFRESH, latency=LATENCY, seconds=5, clients=REFRESHING)
                return load.p99

            quiet = refresh()
            with ThreadPoolExecutor() as pool:
                storm = pool.submit(server.post_events, _events(events), clients=POSTING)
                stormy = refresh()
                answer = storm.result()
            # Once more without refreshes, so that all questions are of the events.
            asked = upstream.set()["requests"]
            again = server.post_events(_events(events), clients=POSTING)
            asked = upstream.set()["requests"] - asked
    if answer["refused"] or again["refused"]:
        raise RuntimeError(f"Events were refused: {answer['refused'][:3]}")
    per_second = events / again["seconds"]
    report.add(f"{events:,} events of {ACCOUNTS:,} accounts: questions to Unipile", asked)
    report.add("Events a second", per_second)
    report.add_ratio(
        "p99 of a refresh in the storm / without, 50 ms, 8 clients", stormy, quiet, "ms"
    )


def _events(count: int) -> list[str]:
    bodies = [
        json.dumps(
            {
                "AccountStatus": {
                    "account_id": unipile_id(number),
                    "account_type": "LINKEDIN",
                    "message": message,
                }
            }
        )
        for message in MESSAGES
        for number in range(ACCOUNTS)
    ]
    return [bodies[number % len(bodies)] for number in range(count)]
