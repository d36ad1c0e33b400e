"""Everybody at once on two servers.

SECONDS=60 makes it a minute. SEED repeats what each of them does, though not the order of all.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from script.postgres import Server
from script.serving import Service
from tests.reliability.people import CUSTOMERS, WEBHOOK, Crowd, Customer, Staff, Unipile
from tests.reliability.watching import PLAN, SECRET, check_history, is_lost
from unipile_sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("served")]

SECONDS = float(os.environ.get("SECONDS", "10"))
SEED = os.environ.get("SEED") or secrets.token_hex(4)
OFTEN = "999999/min"


@pytest.fixture
def crowd(postgres: Server, sandbox: Sandbox, tmp_path: Path) -> Iterator[Crowd]:
    settings: Any = {
        **dict.fromkeys(("THROTTLE_LIVE", "THROTTLE_CONNECT"), OFTEN),
        "UNIPILE_WEBHOOK_SECRET": SECRET,
        "log": tmp_path / "log",
    }
    first = Service(postgres, sandbox, **settings)
    second = Service(postgres, sandbox, twin=first, **settings)
    for server in (first, second):
        server.environment["PUBLIC_URL"] = f"http://127.0.0.1:{server.port}"
    with first, second:
        for _ in range(60):
            first.add_account()
        with first.connect() as connection:
            for name in CUSTOMERS[1:]:
                connection.execute(
                    "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active,"
                    " first_name, last_name, email, date_joined) SELECT %s, password, false, false,"
                    " true, '', '', '', now() FROM auth_user WHERE username = 'owner'",
                    [name],
                )
            users = connection.execute("SELECT username, id FROM auth_user").fetchall()
        sandbox.add_webhook(second.environment["PUBLIC_URL"] + WEBHOOK, secret=SECRET)
        yield Crowd([first, second], {each["username"]: each["id"] for each in users}, SEED)


def test_everything_at_once_ends_as_unipile_says(
    crowd: Crowd, postgres: Server, sandbox: Sandbox, tmp_path: Path
) -> None:
    started = len(postgres.log.read_bytes())
    first = stored(crowd)
    customers = [Customer(crowd, name, number) for name in CUSTOMERS for number in range(2)]
    staff, unipile = Staff(crowd), Unipile(crowd, "unipile")
    events = [Unipile(crowd, f"events {number}").send_events for number in range(2)]
    crowd.begin(SECONDS)
    with ThreadPoolExecutor(16) as pool:
        work = [pool.submit(crowd.until_the_end, each) for each in customers]
        work.append(pool.submit(crowd.until_the_end, staff, pause=0.1))
        work.append(pool.submit(crowd.until_the_end, crowd.run_command))
        work.append(pool.submit(crowd.until_the_end, unipile, pause=0.025))
        work += [pool.submit(send, round(SECONDS * 10)) for send in events]
    for each in work:
        each.result()
    sandbox.clear_faults()
    sandbox.wait_for_deliveries(timeout=120)
    # What the first pass leaves behind, the second one deletes.
    for options in [[], [], ["--live"]]:
        crowd.run_command(*options)

    rows = stored(crowd)
    logs = (tmp_path / "log").read_text() + postgres.log.read_text()[started:]
    logs += "".join(crowd.printed)
    sent = Counter(each.status or 0 for d in sandbox.deliveries for each in d.attempts)
    print(f"SEED={SEED}. {dict(crowd.answers)}. Unipile was answered: {dict(sent)}.")  # noqa: T201
    print(f"{Counter(r['status'] for r in rows.values())}, told: {crowd.told}")  # noqa: T201
    assert 500 not in {status for _, status in crowd.answers} | set(sent)
    assert "deadlock" not in logs
    assert "Traceback" not in logs
    check_rows(crowd, rows)
    check_left_at_unipile(crowd, rows)
    with crowd.servers[0].connect() as connection:
        entries = connection.execute("SELECT * FROM unipile_account_changes ORDER BY id").fetchall()
    check_history(first, [(entry["account_id"], entry["changes"]) for entry in entries], rows)
    print("History:", Counter(entry["door"] for entry in entries))  # noqa: T201
    changes = [entry["changes"] for entry in entries if entry["door"] == "api"]
    assert Counter(name for each in changes for name in PLAN if name in each) == crowd.told


def stored(crowd: Crowd) -> dict[Any, dict[str, Any]]:
    with crowd.servers[0].connect() as connection:
        rows = connection.execute(
            "SELECT a.*, username FROM unipile_accounts a JOIN auth_user u ON u.id = user_id"
        ).fetchall()
    return {row["id"]: row for row in rows}


def check_rows(crowd: Crowd, rows: dict[Any, dict[str, Any]]) -> None:
    there = crowd.sandbox.accounts
    for row in rows.values():
        account = row["unipile_account_id"]
        assert row["username"] == crowd.owners[account]
        if row["given_up_at"]:
            assert row["status"] == "disconnected"
            assert account not in there
            continue
        assert account in there, "a row's account was deleted"
        payload = there[account]
        im = payload["connection_params"]["im"]
        if is_lost(payload):
            assert row["status"] == "credentials_required"
        else:
            plan = (bool(im["premiumFeatures"]), "sales_navigator" in im["premiumFeatures"])
            assert (row["status"], row["linkedin_id"]) == ("connected", im["id"])
            assert tuple(row[name] for name in PLAN) == plan
            assert row["name"] == payload["name"]
        limits = (row["weekly_connection_limit"], row["weekly_message_limit"])
        assert limits == ((100, 150) if row["is_premium"] else (80, 100))
    logins = [(row["user_id"], row["linkedin_id"]) for row in rows.values() if row["linkedin_id"]]
    assert len(logins) == len(set(logins))


def check_left_at_unipile(crowd: Crowd, rows: dict[Any, dict[str, Any]]) -> None:
    """Only what staff added, an open claim, or the login of a lost row has no row there."""
    held = {row["unipile_account_id"] for row in rows.values()}
    # The pass spares the login of a member who is lost in a row of any owner.
    lost = {row["linkedin_id"] for row in rows.values() if row["status"] != "connected"}
    with crowd.servers[0].connect() as connection:
        links = connection.execute(
            "SELECT claimed_account_id FROM unipile_connect_links"
        ).fetchall()
    claimed = {link["claimed_account_id"] for link in links}
    for account, payload in crowd.sandbox.accounts.items():
        if account in claimed:
            assert is_lost(payload), "a good claim is open"
        elif account not in held | crowd.by_hand:
            member = payload["connection_params"]["im"]["id"]
            assert member in lost, "left at Unipile"
