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

from tests.helpers import PREMIUM, free_accounts, make_account, make_accounts, table
from tests.unipile_accounts.management.conftest import Program, run
from unipile_accounts.results import Door
from unipile_sandbox import Fault, Sandbox, linkedin_account

# What the rows of free accounts hold already.
KNOWN = {"name": "Robin Sample", "profile_url": "https://www.linkedin.com/in/robin-sample-example"}


def test_changes_and_failures_have_a_line_each(owner: User, sandbox: Sandbox) -> None:
    _, upgraded, other = free_accounts(owner, sandbox, 3, **KNOWN)
    make_account(owner, status="disconnected", given_up_at=timezone.now())
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
        r"2 refreshed \(1 changed, 1 unchanged\), 0 skipped, 1 failed, 1 disconnected left out;"
        r" 1 request, \d+\.\d seconds",
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
    payloads = (linkedin_account(im={"proxy": {"password": password}}) for _ in range(2))
    upgraded, other = make_accounts(owner, sandbox, payloads, **KNOWN)
    gone = make_account(owner, status="disconnected", given_up_at=timezone.now())
    sandbox.update(upgraded.unipile_account_id, **PREMIUM)
    sandbox.update(other.unipile_account_id, type="WHATSAPP")

    done = run("--json", *(f"--account={account.pk}" for account in (upgraded, other, gone)))

    base = {"user": owner.pk, "changed": {}, "code": None, "reason": None, "next_step": None}
    found = {each["account"]: each for each in done.objects[:-1]}
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
    assert done.outcomes[str(gone.pk)] == "skipped"
    summary = done.summary
    assert isinstance(summary.pop("seconds"), float)
    assert summary == {
        "refreshed": 1,
        "changed": 1,
        "unchanged": 0,
        "skipped": 1,
        "failed": 1,
        "disconnected": 0,
        "unknown": None,
        "requests": 1,
        "dry_run": False,
        "status": 1,
        "reason": "1 of 3 accounts failed.",
    }
    assert password not in done.out
    assert sandbox.api_key not in done.out


def test_dry_run_says_what_would_change(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)
    before = table()

    *lines, summary = run("--dry-run").out.splitlines()

    assert table() == before
    assert len(lines) == 3
    assert all(": would change name '' -> Robin Sample" in line for line in lines)
    assert summary.startswith("Dry run, nothing was written: 3 refreshed (3 changed,")
    assert run("--json", "--dry-run").summary["dry_run"] is True


def test_quiet_says_nothing_when_all_is_well(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)

    assert run("--quiet") == (0, "", "")


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


def test_reason_of_many_is_said_once(
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
    own, shared, error = done.err.splitlines()
    assert own.startswith(f"account {accounts[0].pk} (Robin Sample): failed: ")
    assert shared == (
        "53 accounts were not refreshed: Unipile answered 503 errors/service_unavailable for"
        " the list of accounts. Try again shortly."
    )
    assert error == "CommandError: 54 of 303 accounts failed."
    # Quiet prints the summary too, for it explains the status.
    assert run("--quiet", *chosen).err.splitlines()[2].startswith("246 refreshed (0 changed, ")


def test_terminal_shows_a_bar(owner: User, sandbox: Sandbox, program: Program) -> None:
    free_accounts(owner, sandbox, 30, **KNOWN)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))

    process = program.start(stdout=theirs, stderr=theirs)
    try:
        assert process.wait(30) == 0
        assert "0/30 [" in os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
