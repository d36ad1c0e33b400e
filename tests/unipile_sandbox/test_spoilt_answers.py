from __future__ import annotations

import socket
import threading
import time
from urllib.parse import quote

import pytest

from tests.unipile_sandbox.talking import ACCOUNTS, fill, get, get_page
from unipile_sandbox import Fault, Sandbox, linkedin_account


def statuses(sandbox: Sandbox, *paths: str) -> list[int]:
    return [get(sandbox, ACCOUNTS + path).status_code for path in paths]


@pytest.mark.parametrize(
    "fault", [Fault(delay=60), Fault(drip_body=60), Fault(padding=2**40, framing="chunked")]
)
def test_stop_ends_answers_that_take_long(fault: Fault, capfd: pytest.CaptureFixture[str]) -> None:
    arrived = threading.Event()
    threads_before = set(threading.enumerate())
    sandbox = Sandbox([linkedin_account("a")]).start()
    sandbox.inject(fault)
    sandbox.on_answer = lambda _: arrived.set()
    with socket.create_connection((sandbox.host, sandbox.port), timeout=10) as client:
        client.sendall(
            f"GET {ACCOUNTS}/a HTTP/1.1\r\nX-API-KEY: {sandbox.api_key}\r\n\r\n".encode()
        )
        assert arrived.wait(10)
        start = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - start < 2
        while client.recv(2**20):
            pass
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(5)
        assert not thread.is_alive()
    assert capfd.readouterr() == ("", "")


def test_fault_of_an_account_hits_only_its_reads(sandbox: Sandbox) -> None:
    fill(sandbox, 2)
    sandbox.inject(Fault(status=500), account_id="account-1")
    sandbox.inject(Fault(status=503), account_id="gone")

    paths = ("/account-0", "/account-1", "", "/gone", "/account-1")
    assert statuses(sandbox, *paths) == [200, 500, 200, 503, 500]


def test_fault_of_pages_starts_at_that_page(sandbox: Sandbox) -> None:
    fill(sandbox, 6)
    cursors = [get_page(sandbox, limit=limit)["cursor"] for limit in (2, 4)]
    sandbox.inject(Fault(status=500), page=2)

    paths = ["?limit=2", *(f"?limit=2&cursor={quote(cursor)}" for cursor in cursors), "/account-5"]
    assert statuses(sandbox, *paths) == [200, 500, 500, 200]


def test_faults_are_used_up_in_order(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=429), times=2)
    sandbox.inject(Fault(status=503), times=1)

    assert statuses(sandbox, *[f"/{account}"] * 4) == [429, 429, 503, 200]
