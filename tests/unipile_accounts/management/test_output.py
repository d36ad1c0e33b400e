from __future__ import annotations

import io
import logging
import re
import time

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.helpers import (
    PREMIUM,
    free_accounts,
    make_account,
    make_accounts,
)
from tests.unipile_accounts.management.conftest import (
    run,
)
from unipile_accounts.management import progress
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
        " not a LinkedIn account. This Unipile account is not a LinkedIn account, so it has no"
        " premium status. Connect a LinkedIn account instead.\n"
        "CommandError: 1 of 3 accounts failed.\n"
    )
    assert done.status == 1


def test_failure_that_changed_status_says_both(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(statuses=["CREDENTIALS"]))

    done = run()

    assert f"account {account.pk}: status connected -> credentials_required; failed: " in done.err
    assert "Reconnect the account to LinkedIn" in done.err
    assert done.status == 1


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
        "next_step": "This Unipile account is not a LinkedIn account, so it has no premium status."
        " Connect a LinkedIn account instead.",
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
        "requests": 1,
        "dry_run": False,
        "status": 1,
        "reason": "1 of 4 accounts failed.",
    }
    assert done.err == "CommandError: 1 of 4 accounts failed.\n"
    assert password not in done.out
    assert sandbox.api_key not in done.out


def test_quiet_says_nothing_when_all_is_well(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    free_accounts(owner, sandbox, 3)

    assert run("--quiet") == (0, "", "")


def test_quiet_names_what_failed(owner: User, sandbox: Sandbox) -> None:
    _, other = free_accounts(owner, sandbox, 2)
    sandbox.update(other.unipile_account_id, type="WHATSAPP")

    done = run("--quiet")

    failure, summary, error = done.err.splitlines()
    assert failure.startswith(f"account {other.pk}: failed: ")
    assert summary.startswith("1 refreshed (1 changed, 0 unchanged), 0 skipped, 1 failed; ")
    assert error == "CommandError: 1 of 2 accounts failed."
    assert (done.status, done.out) == (1, "")


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


def test_letters_the_locale_lacks_are_escaped(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox, payload=linkedin_account(name="Zoë 李"))
    raw = io.BytesIO()

    assert run(stdout=io.TextIOWrapper(raw, encoding="ascii")).status == 0
    assert rb"(Zo\xeb \u674e)" in raw.getvalue()


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


def test_dry_run_lines_say_would_change(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, name="Robin Sample")

    assert run("--dry-run").out.startswith(
        f"account {account.pk} (Robin Sample): would change profile_url '' -> https://"
    )
    assert "would" not in run().out
