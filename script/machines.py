"""Run two servers as on two machines, and kill one of them under load.

Both use one PostgreSQL behind pgbouncer (transaction mode) and one Redis; nginx stands before them
with TLS. It wants Debian's packages nginx, pgbouncer and redis-server, uses this machine only, and
ends by itself. Ends with status 1 when anything was lost, told twice, or let through a limit.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import urllib3

from script import children
from script.around import Around, ProgramMissingError
from script.postgres import PostgresError
from script.serving import Service, migrated_postgres
from unipile_sandbox import Sandbox

CLIENTS = 32
ACCOUNTS = 64
LIVE = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/machines", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="of load (30)")
    seconds: int = parser.parse_args().seconds
    children.raise_stopped_on_signals()
    try:
        with _machines() as machines:
            return machines.run(seconds)
    except children.Stopped as exc:
        return exc.status
    except (PostgresError, ProgramMissingError) as exc:
        print(exc, file=sys.stderr)
        return 1


@contextmanager
def _machines() -> Iterator[Machines]:
    with ExitStack() as stack:
        postgres = stack.enter_context(migrated_postgres())
        sandbox = stack.enter_context(Sandbox(record=1))
        around = stack.enter_context(Around(postgres))
        settings: dict[str, Any] = {
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CACHE_URL": around.redis_url,
            "NUM_PROXIES": "1",
            "THROTTLE_LIVE": f"{LIVE}/day",
        }
        via = around.bouncer_url
        first = stack.enter_context(Service(postgres, sandbox, via=via, **settings))
        second = stack.enter_context(Service(postgres, sandbox, twin=first, via=via, **settings))
        around.start_nginx([first.port, second.port])
        yield Machines(first, second, sandbox, around)


class Machines:
    """Two servers, and what their clients are told through nginx."""

    def __init__(self, first: Service, second: Service, sandbox: Sandbox, around: Around) -> None:
        self._first, self._second, self._sandbox = first, second, sandbox
        self._url = around.url
        self._pool = urllib3.PoolManager(
            maxsize=CLIENTS, retries=False, ca_certs=str(around.certificate)
        )
        self._ended = threading.Event()
        self._answers: list[tuple[int, bool]] = []
        self._accounts = [first.add_account() for _ in range(ACCOUNTS)]
        self._ids = {pk: first.unipile_id(pk) for pk in self._accounts}

    def run(self, seconds: int) -> int:
        faults = self._check_limits()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            work = [pool.submit(self._refresh, number) for number in range(CLIENTS)]
            work.append(pool.submit(self._buy_and_cancel))
            try:
                time.sleep(seconds / 3)
                self._second.kill()
                time.sleep(seconds / 3)
                self._second.start()
                time.sleep(seconds / 3)
            finally:
                self._ended.set()
            for each in work:
                each.result()
        faults += self._check_rows()
        print(" ".join(faults) or "Nothing was lost.")
        return 1 if faults else 0

    # --- Clients ----------------------------------------------------------------------------------

    def _refresh(self, number: int) -> None:
        while not self._ended.is_set():
            # Two clients share each account, so that servers race for its changes.
            self._answers.append(self._ask(random.choice(self._accounts[number // 2 :: 16])))  # noqa: S311

    def _buy_and_cancel(self) -> None:
        while not self._ended.wait(0.05):
            plan = random.choice([[], ["premium"]])  # noqa: S311
            account = self._ids[random.choice(self._accounts)]  # noqa: S311
            self._sandbox.update(account, premium_features=plan)

    def _ask(self, pk: uuid.UUID, **more: Any) -> tuple[int, bool]:
        """Return the status, 0 if there was no answer, and whether it told of a change."""
        try:
            answer = self._pool.request(
                "POST",
                f"{self._url}/api/unipile/refresh",
                json={"accountId": str(pk), **more},
                headers={"Authorization": f"Bearer {self._first.token}"},
                timeout=30,
            )
        except urllib3.exceptions.HTTPError:
            return 0, False
        is_told = answer.status == 200 and answer.json()["changed"]["is_premium"]
        return answer.status, is_told

    # --- What must hold ---------------------------------------------------------------------------

    def _check_limits(self) -> list[str]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = [pool.submit(self._ask, pk, live=True) for pk in self._accounts]
            statuses = Counter(each.result()[0] for each in asked)
        print(f"{ACCOUNTS} live refreshes at once, {LIVE} allowed: {dict(statuses)}")
        expected = {200: LIVE, 429: ACCOUNTS - LIVE}
        return [] if statuses == expected else ["A limit does not hold over both servers."]

    def _check_rows(self) -> list[str]:
        statuses = Counter(status for status, _ in self._answers)
        told = sum(is_told for _, is_told in self._answers)
        with self._first.connect() as connection:
            query = (
                "SELECT account_id, old, new FROM unipile_account_changes"
                " WHERE field = 'is_premium' ORDER BY id"
            )
            changes = connection.execute(query).fetchall()
        lost = sum(statuses[status] for status in (0, 502))
        print(f"{len(self._answers)} refreshes: {dict(statuses)}; {lost} were on the killed server")
        print(f"{len(changes)} changes of a plan, {told} told to a client")
        faults = []
        if set(statuses) - {0, 200, 502} or lost > CLIENTS:
            faults.append("There were other answers than of the server that was killed.")
        if not 0 <= len(changes) - told <= lost:
            faults.append("A change was told twice, or not at all.")
        if not _is_chain(changes):
            faults.append("A history has a gap.")
        self._answers.clear()
        for pk in self._accounts:
            self._ask(pk)
            payload = self._sandbox.get(self._ids[pk])
            is_premium = bool(payload["connection_params"]["im"]["premiumFeatures"])
            if self._first.row(pk)["is_premium"] != is_premium:
                faults.append(f"Account {pk} is not as Unipile says.")
        return faults


def _is_chain(changes: list[dict[str, Any]]) -> bool:
    """Tell whether each change begins where the account's change before it ended."""
    latest: dict[uuid.UUID, str] = {}
    for change in changes:
        if latest.get(change["account_id"], "False") != change["old"]:
            return False
        latest[change["account_id"]] = change["new"]
    return True


if __name__ == "__main__":
    sys.exit(main())
