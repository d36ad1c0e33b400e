from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.helpers import free_accounts, make_accounts, until
from tests.unipile_accounts.management.conftest import Program, run
from unipile_accounts.models import UnipileAccount
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def kill_at_first_result(number: signal.Signals) -> None:
    """Send a signal when the first row of a page is stored and none is printed yet."""

    def receive(**_: Any) -> None:
        account_refreshed.disconnect(receive)
        os.kill(os.getpid(), number)

    account_refreshed.connect(receive, weak=False)


def test_all_that_is_stored_is_reported_first(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    former = signal.getsignal(signal.SIGINT)

    kill_at_first_result(signal.SIGINT)
    done = run("--json")

    assert done.status == done.summary["status"] == 130
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert done.err == "CommandError: Stopped by SIGINT. What was refreshed so far is stored.\n"
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert signal.getsignal(signal.SIGINT) is former


def test_stop_that_comes_too_late_stops_nothing(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)

    kill_at_first_result(signal.SIGTERM)

    assert run().status == 0
    assert run().status == 0


@pytest.mark.slow
def test_hangup_ends_it_between_two_tries(
    owner: User, sandbox: Sandbox, program: Program, tmp_path: Path
) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=503, headers={"Retry-After": "60"}), page=2)
    asked = threading.Event()

    def look(_: Request) -> None:
        if sandbox.request_count == 2:
            asked.set()

    sandbox.on_answer = look
    # A pipe that nobody reads would be full before the second page.
    output = tmp_path / "output"
    with output.open("w") as stdout:
        process = program.start("--json", stdout=stdout)
        assert asked.wait(30)
        until(lambda: output.read_text().count("\n") == 250)
        process.send_signal(signal.SIGHUP)
        # A busy machine takes more than a second to end a process.
        process.wait(10)
    done = program.end(process)._replace(out=output.read_text())

    assert done.status == done.summary["status"] == 129
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


@pytest.mark.slow
def test_second_ctrl_c_kills_at_once(owner: User, sandbox: Sandbox, program: Program) -> None:
    # The JSON of the first page is more than a pipe takes, so its writer waits.
    make_accounts(owner, sandbox, (linkedin_account(name="Robin " * 40) for _ in range(300)))
    process = program.start("--json")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)

    process.send_signal(signal.SIGINT)

    assert process.wait(1) == -signal.SIGINT
