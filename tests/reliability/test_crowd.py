"""Everybody at once on two servers. SECONDS=60 makes it a minute."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from script.postgres import Server
from script.serving import Service
from tests.reliability.people import CUSTOMERS, SECRET, WEBHOOK, Crowd, Customer, Staff
from tests.reliability.watching import BLANK, PLAN, TOLD, is_lost
from unipile_sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("served")]

SECONDS = float(os.environ.get("SECONDS", "10"))
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
        crowd = Crowd([first, second], {each["username"]: each["id"] for each in users})
        crowd.owners |= dict.fromkeys(sandbox.accounts, "owner")
        # No link has brought them, so the pass counts them and deletes none.
        crowd.by_hand |= crowd.owners.keys()
        sandbox.add_webhook(second.environment["PUBLIC_URL"] + WEBHOOK, secret=SECRET)
        yield crowd


def test_everything_at_once_ends_as_unipile_says(
    crowd: Crowd, postgres: Server, sandbox: Sandbox, tmp_path: Path
) -> None:
    started = len(postgres.log.read_bytes())
    first = stored(crowd)
    customers = [Customer(crowd, name) for name in CUSTOMERS * 2]
    staff = Staff(crowd)
    crowd.begin(SECONDS)
    with ThreadPoolExecutor(16) as pool:
        work = [pool.submit(crowd.until_the_end, each) for each in customers]
        work.append(pool.submit(crowd.until_the_end, staff, pause=0.2))
        work.append(pool.submit(crowd.until_the_end, crowd.run_command))
        work.append(pool.submit(crowd.until_the_end, crowd.change_unipile, pause=0.05))
        work += [pool.submit(crowd.send_events, round(SECONDS * 10)) for _ in range(2)]
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
    print(f"Answers: {dict(crowd.answers)}. Unipile was answered: {dict(sent)}.")  # noqa: T201
    print(f"{Counter(r['status'] for r in rows.values())}, told: {crowd.told}")  # noqa: T201
    assert 500 not in {status for _, status in crowd.answers} | set(sent)
    assert "deadlock" not in logs
    assert "Traceback" not in logs
    check_rows(crowd, rows)
    check_left_at_unipile(crowd, rows)
    check_history(crowd, first, rows)


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


def check_history(crowd: Crowd, first: dict[Any, Any], rows: dict[Any, Any]) -> None:
    """The entries lead from each row as it was to each row as it is, and the API told its own."""
    values = {pk: {name: row[TOLD[name]] for name in TOLD} for pk, row in first.items()}
    written: Counter[str] = Counter()
    with crowd.servers[0].connect() as connection:
        entries = connection.execute("SELECT * FROM unipile_account_changes ORDER BY id").fetchall()
    for entry in entries:
        is_new = entry["account_id"] not in values
        row = values.setdefault(entry["account_id"], dict.fromkeys(TOLD))
        for name, (old, new) in entry["changes"].items():
            if name != "merged_into":
                assert old == row[name] != new
                row[name] = new
        if is_new:
            row.update({name: BLANK[name] for name in BLANK if row[name] is None})
        if entry["door"] == "api":
            written.update(name for name in PLAN if name in entry["changes"])
    print("History:", Counter(entry["door"] for entry in entries))  # noqa: T201
    for pk, row in values.items():
        if pk in rows:
            assert row == {name: rows[pk][column] for name, column in TOLD.items()}
        else:
            assert row["status"] is None
    assert written == crowd.told
