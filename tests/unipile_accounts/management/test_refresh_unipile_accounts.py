from __future__ import annotations

import signal
import subprocess
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.helpers import PREMIUM, free_accounts, make_account, table
from tests.unipile_accounts.management.conftest import Program, run
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def test_empty_workspace_changes_nothing_and_says_so(owner: User, sandbox: Sandbox) -> None:
    for number in range(21):
        make_account(owner, payload=linkedin_account(f"account-{number}"))
    before = table()

    done = run()

    assert done.status == 1
    reason, error = done.err.splitlines()
    assert reason.startswith(
        "21 accounts were not refreshed: Unipile does not list 21 of 21 accounts. UNIPILE_DSN or"
        " UNIPILE_API_KEY may be another workspace's."
    )
    assert "--confirm-gone" in reason
    assert error == "CommandError: 21 of 21 accounts failed."
    assert table() == before

    assert run("--confirm-gone").status == 1
    assert UnipileAccount.objects.filter(status="disconnected").count() == 21


def test_rejected_key_ends_with_what_was_done(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=401), page=2)

    done = run("--json")

    assert done.status == done.summary["status"] == 2
    assert (done.summary["refreshed"], len(done.objects)) == (250, 251)
    assert done.err == (
        "CommandError: Unipile answered 401 errors/missing_credentials for the list of accounts."
        " The operator must check UNIPILE_API_KEY and UNIPILE_DSN. A reconnect does not"
        " help.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


def test_wrong_use_is_status_2(program: Program) -> None:
    done = program.run("--account", "x")

    assert (done.status, done.out) == (2, "")
    assert done.err.endswith("error: argument --account: invalid UUID value: 'x'\n")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"UNIPILE_DSN": ""}, "UNIPILE_DSN is not set."),
        ({"DATABASE_URL": "sqlite:////nowhere/to/be.found"}, "The database cannot be used: "),
        # With these Django itself cannot start.
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing."),
    ],
)
def test_wrong_deployment_is_status_2_in_one_line(
    owner: User, sandbox: Sandbox, program: Program, environment: dict[str, str], message: str
) -> None:
    make_account(owner, sandbox)

    done = program.run("--quiet", "--json", env=environment)

    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_crash_is_not_taken_for_failed_accounts(program: Program) -> None:
    done = program.run(env={"DJANGO_SETTINGS_MODULE": "nowhere"})

    assert done.status == 2
    assert done.err.endswith("ModuleNotFoundError: No module named 'nowhere'\n")


@pytest.mark.slow
def test_killed_and_started_again_ends_the_same(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    accounts = free_accounts(owner, sandbox, 1000)
    for account in accounts[::2]:
        sandbox.update(account.unipile_account_id, **PREMIUM)
    before = {row["id"]: row for row in table()}
    processes: list[subprocess.Popen[str]] = []

    def kill_on_third_page(request: Request) -> None:
        if sandbox.request_count == 3:
            threading.Timer(0.015, processes[0].kill).start()

    sandbox.on_answer = kill_on_third_page
    processes.append(program.start("--json"))
    killed = program.end(processes[0])
    rows = table()

    assert killed.status == -signal.SIGKILL
    new = [row for row in rows if row != before[row["id"]]]
    assert 250 <= len(new) <= 1000
    assert all(map(is_whole, new))

    sandbox.on_answer = None
    again = program.run("--json")

    assert again.status == 0
    assert all(map(is_whole, table()))
    assert UnipileAccount.objects.filter(is_premium=True).count() == 500


def is_whole(row: dict[str, Any]) -> bool:
    limits = (row["weekly_connection_limit"], row["weekly_message_limit"])
    expected = (100, 150) if row["is_premium"] else (80, 100)
    return limits == expected and row["name"] == "Robin Sample" and bool(row["refreshed_at"])
