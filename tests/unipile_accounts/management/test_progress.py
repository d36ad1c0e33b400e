from __future__ import annotations

import os
import pty
import re
import termios

import pytest
from django.contrib.auth.models import User

from tests.helpers import (
    free_accounts,
)
from tests.unipile_accounts.management.conftest import (
    Program,
    run,
)
from unipile_accounts.management import progress
from unipile_sandbox import Sandbox


def test_without_a_terminal_progress_is_lines(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_accounts(owner, sandbox, 3)
    assert run().err == ""

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    assert run("--json").err.splitlines() == [
        f"{number} of 3 accounts: {number} refreshed (0 changed, {number} unchanged), 0 skipped,"
        " 0 failed"
        for number in (1, 2, 3)
    ]


def on_terminal(program: Program, *args: str) -> tuple[int, str]:
    """Run on a terminal, and return the status and all that came to it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    process = program.start(*args, stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
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


def test_quiet_shows_nothing_on_a_terminal(owner: User, sandbox: Sandbox, program: Program) -> None:
    free_accounts(owner, sandbox, 3)

    assert on_terminal(program, "--quiet") == (0, "")
