from __future__ import annotations

import os
import signal

import pytest

from tests.unipile_accounts.unipile.conftest import no_longer_than
from unipile_accounts.interrupts import Stopped, stop_on_signals
from unipile_accounts.unipile import get_account
from unipile_sandbox import Fault, Request, Sandbox


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_wait_for_a_question(sandbox: Sandbox, number: signal.Signals) -> None:
    def press(_: Request) -> None:
        os.kill(os.getpid(), number)

    sandbox.inject(Fault(silent=True))
    sandbox.on_answer = press

    with no_longer_than(1), stop_on_signals() as received, pytest.raises(Stopped):
        get_account("account", timeout=30)

    assert received == [number]


def test_ignored_signal_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as received:
            os.kill(os.getpid(), signal.SIGHUP)
        assert received == []
    finally:
        signal.signal(signal.SIGHUP, former)
