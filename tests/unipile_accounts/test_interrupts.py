from __future__ import annotations

import os
import signal

import pytest

from tests.unipile_accounts.unipile.conftest import no_longer_than
from unipile_accounts.interrupts import Stopped, check, stop_on_signals
from unipile_accounts.unipile import get_account
from unipile_sandbox import Fault, Request, Sandbox


def test_signal_ends_the_wait_for_a_question(sandbox: Sandbox) -> None:
    def press(_: Request) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    sandbox.inject(Fault(silent=True))
    sandbox.on_answer = press

    with no_longer_than(1), pytest.raises(Stopped, match="SIGTERM"), stop_on_signals():
        get_account("account", timeout=30)


def test_ignored_signal_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            check()
    finally:
        signal.signal(signal.SIGHUP, former)
