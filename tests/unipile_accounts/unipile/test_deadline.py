from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from tests.helpers import until
from tests.unipile_accounts.unipile.conftest import ID, no_longer_than
from unipile_accounts.exceptions import UnipileTimeout
from unipile_accounts.unipile import begin_list, get_account
from unipile_sandbox import Sandbox


def test_handshake_that_hangs_is_given_up(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.UNIPILE_DSN = f"https://127.0.0.1:{silent.getsockname()[1]}"
        settings.UNIPILE_API_KEY = "key"

        with no_longer_than(2), pytest.raises(UnipileTimeout):
            get_account(ID, timeout=0.3)


def test_connection_not_made_in_time_is_given_up(settings: Settings) -> None:
    settings.UNIPILE_CONNECT_TIMEOUT = 0.2
    with full_server() as port:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = f"http://127.0.0.1:{port}", "key"

        with no_longer_than(2), pytest.raises(UnipileTimeout):
            get_account(ID)


def test_name_not_found_in_time_is_a_timeout(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "unipile.test:13843", "key"
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait())

    with no_longer_than(2), pytest.raises(UnipileTimeout):
        get_account(ID, timeout=0.3)

    over.set()


def test_page_is_asked_for_before_its_wait(sandbox: Sandbox) -> None:
    pending = begin_list(timeout=0.3)

    until(lambda: sandbox.request_count == 1)
    # The answer is there in time, whenever somebody looks at it.
    time.sleep(0.4)
    assert pending.wait() == ([], None)


def test_nobody_is_asked_when_the_time_is_over(account: str, sandbox: Sandbox) -> None:
    with pytest.raises(UnipileTimeout):
        get_account(account, timeout=0)

    assert sandbox.request_count == 0


@contextmanager
def full_server() -> Iterator[int]:
    """Listen with a queue that is full: one more connection is neither made nor refused."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for connection in waiting:
            connection.close()
