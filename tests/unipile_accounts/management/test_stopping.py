from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.helpers import (
    free_accounts,
    until,
)
from tests.unipile_accounts.management.conftest import (
    ASKED_FOR,
    Program,
    accounts_that_fill_a_pipe,
    run,
    when_asked,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox


@contextmanager
def at_first_result(act: Callable[[], object]) -> Iterator[None]:
    """Do something when the first row of a page is stored and none is printed yet."""
    results: list[object] = []

    def receive(**kwargs: Any) -> None:
        results.append(kwargs)
        if len(results) == 1:
            act()

    account_refreshed.connect(receive)
    try:
        yield
    finally:
        account_refreshed.disconnect(receive)


def test_all_that_is_stored_is_reported_first(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    former = signal.getsignal(signal.SIGINT)

    with at_first_result(lambda: os.kill(os.getpid(), signal.SIGINT)):
        done = run("--json")

    assert done.status == done.summary["status"] == 130
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert done.err == (
        "CommandError: Stopped, because of SIGINT. What was refreshed until then is stored.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR
    assert signal.getsignal(signal.SIGINT) is former


def test_stop_that_comes_too_late_stops_nothing(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)

    with at_first_result(lambda: os.kill(os.getpid(), signal.SIGTERM)):
        assert run().status == 0
    assert run().status == 0


def test_long_rows_of_skipped_accounts_can_be_stopped(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 600, status="disconnected", given_up_at=timezone.now())

    class Output(io.StringIO):
        def write(self, text: str) -> int:
            if not self.getvalue():
                os.kill(os.getpid(), signal.SIGINT)
            return super().write(text)

    done = run("--status", "disconnected", stdout=Output())

    assert done.status == 130
    assert "250 skipped" in done.out


def test_full_disk_ends_the_run_in_order(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    heard: list[object] = []

    def receive(**kwargs: Any) -> None:
        heard.append(kwargs)

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    account_refreshed.connect(receive)
    try:
        done = run(stdout=Full())
    finally:
        account_refreshed.disconnect(receive)

    assert done.status == 141
    assert done.err.splitlines()[0].startswith("250 refreshed (250 changed, 0 unchanged)")
    assert len(heard) == UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "fault", "status"),
    [
        (signal.SIGINT, Fault(status=429, headers={"Retry-After": "60"}), 130),
        (signal.SIGINT, Fault(delay=60), 130),
        (signal.SIGTERM, Fault(drip_body=0.1), 143),
        (signal.SIGHUP, Fault(status=503, headers={"Retry-After": "60"}), 129),
    ],
    ids=["Ctrl-C-in-a-wait", "Ctrl-C-in-an-answer", "kill-in-an-answer", "hangup-in-a-wait"],
)
def test_signal_ends_it_while_it_waits(
    owner: User,
    sandbox: Sandbox,
    program: Program,
    tmp_path: Path,
    number: signal.Signals,
    fault: Fault,
    status: int,
) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(fault, page=2)
    asked = when_asked(sandbox, 2)
    # A pipe that nobody reads would be full before the second page.
    output = tmp_path / "output"

    with output.open("w") as stdout:
        process = program.start("--json", stdout=stdout)
        assert asked.wait(30)
        until(lambda: output.read_text().count("\n") == 250)
        process.send_signal(number)
        # Unipile is silent for a minute; a busy machine takes more than a second to end a process.
        process.wait(10)
    done = program.end(process)._replace(out=output.read_text())

    assert done.status == done.summary["status"] == status
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert done.err == (
        f"CommandError: Stopped, because of {number.name}. What was refreshed until then is"
        " stored.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


@pytest.mark.slow
def test_locked_row_holds_up_no_kill(owner: User, sandbox: Sandbox, program: Program) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    accounts = free_accounts(owner, sandbox, 300)
    asked = when_asked(sandbox, 2)

    psql = connection.copy()
    with closing(psql), psql.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE unipile_accounts SET name = '' WHERE id = %s", [accounts[0].pk])
        process = program.start("--json")
        assert asked.wait(30)
        process.send_signal(signal.SIGTERM)
        done = program.end(process)

    assert done.status == 143
    assert done.summary["refreshed"] == 249
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 249


@pytest.mark.slow
def test_second_ctrl_c_kills_at_once(owner: User, sandbox: Sandbox, program: Program) -> None:
    accounts_that_fill_a_pipe(owner, sandbox)
    process = program.start("--json")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)

    process.send_signal(signal.SIGINT)

    assert process.wait(1) == -signal.SIGINT


@pytest.mark.slow
@pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT])
def test_closed_pipe_is_no_traceback(
    owner: User, sandbox: Sandbox, program: Program, stderr: int
) -> None:
    accounts_that_fill_a_pipe(owner, sandbox)
    process = program.start("--json", stderr=stderr)
    assert process.stdout
    first = json.loads(process.stdout.readline())
    process.stdout.close()
    process.stdout = None

    done = program.end(process)

    assert first["outcome"] == "refreshed"
    assert done.status == 141
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR
    if stderr == subprocess.PIPE:
        summary, error = done.err.splitlines()
        assert summary.startswith("250 refreshed (250 changed, 0 unchanged), 0 skipped, 0 failed; ")
        assert error == (
            "CommandError: Stopped, because its output cannot be written any more. What was"
            " refreshed until then is stored."
        )


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_as_lost_output(
    owner: User, sandbox: Sandbox, program: Program, closed: str
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    # One failure on the first page is something to say on stderr.
    sandbox.update(accounts[0].unipile_account_id, type="WHATSAPP")

    done = program.end(program.start(closed=closed))

    assert done.status == 141
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 249
    if closed == ">&-":
        assert "249 refreshed (249 changed, 0 unchanged), 0 skipped, 1 failed; " in done.err


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_hide_wrong_use(program: Program, closed: str) -> None:
    assert program.end(program.start("--account", "x", closed=closed)).status == 2
    assert program.end(program.start(closed=closed, env={"SECRET_KEY": ""})).status == 2
