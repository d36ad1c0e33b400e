from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.helpers import (
    PREMIUM,
    free_accounts,
    make_account,
    table,
)
from tests.unipile_accounts.management.conftest import (
    ROOT,
    Program,
    Run,
    run,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Request, Sandbox, linkedin_account

CUSTOMERS = """
import json, random, sys
import django
django.setup()
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
pks = list(UnipileAccount.objects.values_list("pk", flat=True))
for pk in random.Random(7).sample(pks, 150):
    result = refresh_account(UnipileAccount.objects.all(), pk, door=Door.API)
    print(json.dumps({"account": str(pk), "changed": {name: None for name in result.changes}}))
"""


def test_help_shows_every_option() -> None:
    process = subprocess.run(
        [sys.executable, "manage.py", "refresh_unipile_accounts", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    for option in (
        *("--account UUID", "--user USERNAME", "--status", "--older-than 24h"),
        *("--failed", "--live", "--confirm-gone", "--dry-run", "--quiet", "--json"),
    ):
        assert option in process.stdout


def test_dry_run_says_what_the_next_run_does(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.update(accounts[0].unipile_account_id, **PREMIUM)
    sandbox.remove(accounts[1].unipile_account_id)
    before = table()

    rehearsal = run("--json", "--dry-run")

    assert table() == before
    assert rehearsal.summary["dry_run"] is True
    real = run("--json")
    assert rehearsal.objects[:-1] == real.objects[:-1]
    assert real.summary["dry_run"] is False
    assert (
        run("--dry-run")
        .out.splitlines()[-1]
        .startswith("Dry run, nothing was written: 29 refreshed")
    )


def test_empty_workspace_is_told_and_changes_nothing(owner: User, sandbox: Sandbox) -> None:
    for number in range(21):
        make_account(owner, payload=linkedin_account(f"account-{number}"))
    before = table()

    done = run()

    assert done.status == 1
    assert done.err.count("UNIPILE_DSN or UNIPILE_API_KEY may belong to another workspace") == 21
    assert done.err.count("--confirm-gone") == 21
    assert table() == before


def test_confirm_gone_marks_what_unipile_lost(owner: User, sandbox: Sandbox) -> None:
    for number in range(21):
        make_account(owner, payload=linkedin_account(f"account-{number}"))

    assert run("--confirm-gone").status == 1
    assert UnipileAccount.objects.filter(status="disconnected").count() == 21


def test_receivers_hear_it_was_the_command(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox)
    doors: list[Door] = []

    def receive(door: Door, **kwargs: Any) -> None:
        doors.append(door)

    account_refreshed.connect(receive)
    try:
        run()
    finally:
        account_refreshed.disconnect(receive)

    assert doors == [Door.COMMAND]


@pytest.mark.django_db(transaction=True)
def test_command_also_runs_in_a_thread(owner: User, sandbox: Sandbox) -> None:
    runs: list[Run] = []

    def in_thread() -> None:
        try:
            runs.append(run("--json"))
        finally:
            connection.close()

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()

    assert [each.status for each in runs] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", [0, 15])
def test_killed_and_started_again_ends_the_same(
    owner: User, sandbox: Sandbox, program: Program, milliseconds: int
) -> None:
    accounts = free_accounts(owner, sandbox, 1000)
    for account in accounts[::2]:
        sandbox.update(account.unipile_account_id, **PREMIUM)
    before = {row["id"]: row for row in table()}
    processes: list[subprocess.Popen[str]] = []

    def kill_on_third_page(request: Request) -> None:
        if sandbox.request_count == 3:
            threading.Timer(milliseconds / 1000, processes[0].kill).start()
            time.sleep(0 if milliseconds else 0.2)

    sandbox.on_answer = kill_on_third_page
    processes.append(program.start("--json"))
    killed = program.end(processes[0])
    rows = table()

    assert killed.status == -signal.SIGKILL
    premium = {account.pk for account in accounts[::2]}
    for row in rows:
        assert row == before[row["id"]] or whole(row, is_premium=row["id"] in premium)
    assert 250 <= sum(row["refreshed_at"] is not None for row in rows) <= 1000

    sandbox.on_answer = None
    again = program.run("--json")

    assert again.status == 0
    assert all(whole(row, is_premium=row["id"] in premium) for row in table())


def whole(row: dict[str, Any], *, is_premium: bool) -> bool:
    limits = (100, 150) if is_premium else (80, 100)
    return (
        row["is_premium"] is is_premium
        and (row["weekly_connection_limit"], row["weekly_message_limit"]) == limits
        and row["name"] == "Robin Sample"
        and row["refreshed_at"] is not None
    )


@pytest.mark.slow
def test_two_commands_and_customers_report_changes_once(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    accounts = free_accounts(owner, sandbox, 1000)
    for account in accounts[::2]:
        sandbox.update(account.unipile_account_id, **PREMIUM)
    sandbox.latency = 0.005
    environment = {"DJANGO_SETTINGS_MODULE": "puffle.settings"}

    processes = [
        program.start("--json"),
        program.start("--json"),
        program.start_python("-c", CUSTOMERS, env=environment),
    ]
    done = [program.end(process) for process in processes]

    assert [each.status for each in done] == [0, 0, 0]
    assert [each.err for each in done[:2]] == ["", ""]
    reports = [each for run in done for each in run.objects if "account" in each]
    for field, expected in (("is_premium", accounts[::2]), ("name", accounts)):
        seen = Counter(each["account"] for each in reports if field in each["changed"])
        assert seen == {str(account.pk): 1 for account in expected}
    premium = {account.pk for account in accounts[::2]}
    assert all(whole(row, is_premium=row["id"] in premium) for row in table())
