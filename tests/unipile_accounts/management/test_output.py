from __future__ import annotations

import logging
import os
import pty
import re
import termios
import time

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.helpers import PREMIUM, free_accounts, make_account, make_accounts
from tests.unipile_accounts.management.conftest import Program, run
from unipile_accounts.results import Door
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_changes_and_failures_have_a_line_each(owner: User, sandbox: Sandbox) -> None:
    _, upgraded, other = free_accounts(
        owner,
        sandbox,
        3,
        name="Robin Sample",
        profile_url="https://www.linkedin.com/in/robin-sample-example",
    )
    sandbox.update(upgraded.unipile_account_id, **PREMIUM, name="Robin Premium")
    sandbox.update(other.unipile_account_id, type="WHATSAPP")

    done = run()

    *lines, summary = done.out.splitlines()
    assert "".join(lines) == (
        f"account {upgraded.pk} (Robin Premium): name Robin Sample -> Robin Premium,"
        " is_premium False -> True, weekly_connection_limit 80 -> 100,"
        " weekly_message_limit 100 -> 150"
    )
    assert re.fullmatch(
        r"2 refreshed \(1 changed, 1 unchanged\), 0 skipped, 1 failed; 1 request, \d+\.\d seconds",
        summary,
    )
    assert done.err == (
        f"account {other.pk} (Robin Sample): failed: Unipile account {other.unipile_account_id} is"
        " not a LinkedIn account. Connect a LinkedIn account instead.\n"
        "CommandError: 1 of 3 accounts failed.\n"
    )
    assert done.status == 1
    assert {change.door for change in upgraded.changes.all()} == {Door.COMMAND}


def test_json_is_one_object_for_each_outcome(owner: User, sandbox: Sandbox) -> None:
    password = "proxy-password-9134"
    same, upgraded, other = make_accounts(
        owner,
        sandbox,
        (linkedin_account(im={"proxy": {"password": password}}) for _ in range(3)),
        name="Robin Sample",
        profile_url="https://www.linkedin.com/in/robin-sample-example",
    )
    gone = make_account(owner, status="disconnected", given_up_at=timezone.now())
    sandbox.update(upgraded.unipile_account_id, **PREMIUM)
    sandbox.update(other.unipile_account_id, type="WHATSAPP")
    accounts = [f"--account={account.pk}" for account in (same, upgraded, other, gone)]

    done = run("--json", *accounts)

    base = {"user": owner.pk, "changed": {}, "code": None, "reason": None, "next_step": None}
    found = {each["account"]: each for each in done.objects[:-1]}
    assert found[str(same.pk)] == base | {"account": str(same.pk), "outcome": "refreshed"}
    assert found[str(upgraded.pk)] == base | {
        "account": str(upgraded.pk),
        "outcome": "refreshed",
        "changed": {
            "is_premium": {"old": False, "new": True},
            "weekly_connection_limit": {"old": 80, "new": 100},
            "weekly_message_limit": {"old": 100, "new": 150},
        },
    }
    assert found[str(other.pk)] == base | {
        "account": str(other.pk),
        "outcome": "failed",
        "code": "not_linkedin",
        "reason": f"Unipile account {other.unipile_account_id} is not a LinkedIn account.",
        "next_step": "Connect a LinkedIn account instead.",
    }
    assert (found[str(gone.pk)]["outcome"], found[str(gone.pk)]["code"]) == (
        "skipped",
        "reconnect_required",
    )
    assert isinstance(done.summary.pop("seconds"), float)
    summary = done.summary
    summary.pop("seconds")
    assert summary == {
        "refreshed": 2,
        "changed": 1,
        "unchanged": 1,
        "skipped": 1,
        "failed": 1,
        "disconnected": 0,
        "unknown": None,
        "requests": 1,
        "dry_run": False,
        "status": 1,
        "reason": "1 of 4 accounts failed.",
    }
    assert done.err == "CommandError: 1 of 4 accounts failed.\n"
    assert password not in done.out
    assert sandbox.api_key not in done.out


def test_quiet_says_nothing_when_all_is_well(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)

    assert run("--quiet") == (0, "", "")


def test_requests_are_counted_with_their_retries(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.remove(accounts[0].unipile_account_id)
    sandbox.inject(Fault(status=500), times=1)
    sandbox.inject(Fault(status=503), times=1)

    assert run("--json").summary["requests"] == sandbox.request_count == 4


def test_name_cannot_forge_lines_or_terminal_codes(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox, payload=linkedin_account(name="A\nB\x1b[2J\u202eC\u2028D"))

    done = run()

    assert len(done.out.splitlines()) == 2
    assert r"name '' -> A\nB\x1b[2J\u202eC\u2028D" in done.out


def test_what_is_printed_is_not_logged_too(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = free_accounts(owner, sandbox, 3)
    sandbox.update(accounts[0].unipile_account_id, type="WHATSAPP")

    run()

    assert caplog.records == []
    assert logging.getLogger("unipile_accounts.services").filters == []


def test_disconnected_accounts_left_out_are_counted(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    free_accounts(owner, sandbox, 2)
    free_accounts(owner, sandbox, 20, given_up_at=timezone.now())
    free_accounts(stranger, sandbox, 3, given_up_at=timezone.now())

    assert "0 failed, 23 disconnected left out; " in run().out
    assert run("--json").summary["disconnected"] == 23
    assert run("--json", "--user", "owner").summary["disconnected"] == 20


def test_reason_of_all_is_said_once(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    free_accounts(owner, sandbox, 401)
    sandbox.inject(Fault(status=503))

    done = run("--quiet")

    reason, summary, error = done.err.splitlines()
    assert reason == (
        "401 accounts were not refreshed: Unipile answered 503 errors/service_unavailable for"
        " the list of accounts. Try again shortly."
    )
    assert summary.startswith("0 refreshed (0 changed, 0 unchanged), 0 skipped, 401 failed; ")
    assert error == "CommandError: 401 of 401 accounts failed."
    assert len(run("--json").outcomes) == 401


def test_reasons_of_two_kinds_stay_apart(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    free_accounts(owner, sandbox, 3, given_up_at=timezone.now(), status="disconnected")
    accounts = free_accounts(owner, sandbox, 300, name="Robin Sample")
    sandbox.update(accounts[0].unipile_account_id, type="WHATSAPP")
    sandbox.inject(Fault(status=503), page=2)
    chosen = [f"--account={account.pk}" for account in owner.unipile_accounts.all()]

    done = run(*chosen)

    assert done.out.startswith("3 accounts were skipped: The account is disconnected, ")
    own, shared, _ = done.err.splitlines()
    assert own.startswith(f"account {accounts[0].pk} (Robin Sample): failed: ")
    assert shared.startswith("53 accounts were not refreshed: ")


def on_terminal(program: Program) -> tuple[int, str]:
    """Run on a terminal, and return the status and all that came to it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    process = program.start(stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # How Linux says that the other side has closed it.
        pass
    finally:
        os.close(ours)
    return process.wait(30), shown.decode()


def test_terminal_shows_a_bar_lines_do_not_tear(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    sandbox.update(accounts[0].unipile_account_id, type="WHATSAPP")
    sandbox.latency = 0.2

    status, shown = on_terminal(program)

    assert status == 1
    assert "/300 [" in shown
    # What remains on a line is what follows the last return to its beginning.
    lines = [line.rpartition("\r")[2] for line in shown.replace("\r\n", "\n").split("\n")]
    lines = [line.removeprefix("\x1b[A") for line in lines if line]
    changed = [line for line in lines if re.fullmatch(r"account \S{36} \(.*\): name .*", line)]
    failed = [line for line in lines if "account" in line and "not a LinkedIn account" in line]
    assert (len(changed), len(failed)) == (299, 1)
    assert lines[300].startswith("299 refreshed (299 changed, 0 unchanged), 0 skipped, 1 failed")
