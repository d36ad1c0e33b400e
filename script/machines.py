"""Run two servers as on two machines, and kill one under load.

Both use one PostgreSQL behind pgbouncer (transaction mode) and one Redis. nginx stands before them.
Needs Debian's packages nginx, pgbouncer and redis-server.
"""

from __future__ import annotations

import os
import random
import socket
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from script import children
from script.serving import Service, migrated_postgres, wait_until
from unipile_sandbox import Sandbox

ACCOUNTS, CLIENTS, LIMIT, SECONDS = 64, 32, 20, 30
_NGINX = """\
events {{}}
daemon off;
pid {folder}/pid;
error_log stderr crit;
http {{
    access_log off; proxy_set_header Host $http_host;
    client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; scgi_temp_path {folder}; uwsgi_temp_path {folder};
    upstream puffle {{ server 127.0.0.1:{first}; server 127.0.0.1:{second} fail_timeout=1s; }}
    server {{ listen 127.0.0.1:{nginx}; location / {{ proxy_pass http://puffle; }} }}
}}
"""


def main() -> int:
    os.environ["PATH"] += ":/usr/sbin"
    with ExitStack() as stack:
        holds = _holds(stack)
    print("All holds." if holds else "Something does not hold.")
    return 0 if holds else 1


def _holds(stack: ExitStack) -> bool:
    postgres = stack.enter_context(migrated_postgres())
    sandbox = stack.enter_context(Sandbox(record=1))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="puffle-")))
    folder.chmod(0o755)
    with ExitStack() as probes:
        found = [probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        redis, bouncer, nginx = (each.getsockname()[1] for each in found)
    _start(stack, redis, "redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "")
    host = postgres.url.partition("host=")[2]
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={host} user=postgres\n[pgbouncer]\npool_mode = transaction\n"
        f"auth_type = any\nauth_file = {folder}/users\nunix_socket_dir =\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {bouncer}\nmax_client_conn = 200\n"
    )
    # pgbouncer refuses to run as root.
    user = () if os.geteuid() else ("-u", "nobody")
    _start(stack, bouncer, "pgbouncer", "-q", *user, str(folder / "ini"))
    cache = f"redis://127.0.0.1:{redis}/0"
    settings: dict[str, Any] = {"CACHE_URL": cache, "THROTTLE_LIVE": f"{LIMIT}/day"}
    # pgbouncer takes no options of a session.
    settings["via"] = f"postgres://postgres@127.0.0.1:{bouncer}/puffle?options="
    machine = partial(Service, postgres, sandbox, **settings)
    first = stack.enter_context(machine())
    second = stack.enter_context(machine(twin=first))
    conf = _NGINX.format(folder=folder, first=first.port, second=second.port, nginx=nginx)
    (folder / "conf").write_text(conf)
    _start(stack, nginx, "nginx", "-p", str(folder), "-c", str(folder / "conf"))
    # Clients of the first go through nginx from here on.
    first.port = nginx
    accounts = [first.add_account() for _ in range(ACCOUNTS)]
    return _limit_holds(first, accounts) and _kill_loses_nothing(first, second, accounts)


def _start(stack: ExitStack, port: int, program: str, *arguments: str) -> None:
    process = children.start([program, *arguments], stdout=DEVNULL, stderr=DEVNULL)
    stack.callback(children.stop, process)
    with socket.socket() as probe:
        wait_until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0, seconds=10)


def _limit_holds(service: Service, accounts: list[uuid.UUID]) -> bool:
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(pool.map(lambda pk: service.refresh(pk, live=True)[0], accounts))
    print(f"{ACCOUNTS} live refreshes at once, {LIMIT} allowed: {dict(statuses)}")
    return statuses == {200: LIMIT, 429: ACCOUNTS - LIMIT}


def _kill_loses_nothing(first: Service, second: Service, accounts: list[uuid.UUID]) -> bool:
    statuses: list[int] = []
    changes: list[uuid.UUID] = []
    is_premium = dict.fromkeys(accounts, False)
    ends = time.monotonic() + SECONDS

    def refresh(pk: uuid.UUID) -> None:
        status, answer = first.refresh(pk)
        statuses.append(status)
        if status == 200 and answer["changed"]["is_premium"]:
            changes.append(pk)

    def refresh_until_end(number: int) -> None:
        while time.monotonic() < ends:
            refresh(random.choice(accounts[number // 2 :: CLIENTS // 2]))  # noqa: S311

    def buy_and_cancel_until_end() -> None:
        while time.monotonic() < ends:
            pk, plan = random.choice(accounts), random.choice([[], ["premium"]])  # noqa: S311
            first.sandbox.update(first.unipile_id(pk), premium_features=plan)
            is_premium[pk] = bool(plan)
            time.sleep(0.05)

    # Two clients share each account, so that servers race for its changes.
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        work = [pool.submit(refresh_until_end, number) for number in range(CLIENTS)]
        work.append(pool.submit(buy_and_cancel_until_end))
        time.sleep(SECONDS / 3)
        second.close()
        time.sleep(SECONDS / 3)
        second.start()
    for each in work:
        each.result()
    lost = len(statuses) - statuses.count(200)
    for pk in accounts:
        refresh(pk)
    rows = {pk: first.row(pk)["is_premium"] for pk in accounts}
    wrong = sum(rows[pk] != is_premium[pk] for pk in accounts)
    unreported = sum(changes.count(pk) % 2 != rows[pk] for pk in accounts)
    print(f"{len(statuses)} refreshes: {dict(Counter(statuses))}. {len(changes)} changes reported.")
    print(f"{wrong} rows are wrong. {unreported} changes were not reported, or twice.")
    # 0 is an answer that the kill has cut off.
    return not wrong and unreported <= lost <= CLIENTS and set(statuses) <= {200, 502, 0}


if __name__ == "__main__":
    children.run(main)
