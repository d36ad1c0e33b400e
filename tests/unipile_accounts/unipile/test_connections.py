from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID, no_longer_than, open_connections
from unipile_accounts.exceptions import AT_ONCE, UnipileError, UnipileUnavailable
from unipile_accounts.unipile import begin_list, get_account, session
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def test_one_connection_serves_many_requests(account: str, sandbox: Sandbox) -> None:
    get_account(account)
    for status in (404, 429, 500, 503, 302):
        sandbox.inject(Fault(status=status), times=1)
        with pytest.raises(UnipileError):
            get_account(account)
    for framing in ("chunked", "length"):
        sandbox.inject(Fault(framing=framing, padding=1), times=1)
        get_account(account)
    begin_list().wait()

    assert {request.connection for request in sandbox.requests} == {sandbox.requests[0].connection}


def test_host_that_is_none_names_the_setting(settings: Settings) -> None:
    settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "unipile.invalid:13843", "key"

    with pytest.raises(UnipileUnavailable, match=r"Check the host in UNIPILE_DSN\."):
        get_account(ID)


def test_callers_wait_side_by_side(account: str, sandbox: Sandbox) -> None:
    everybody = threading.Barrier(64)

    def wait_for_everybody(_: Request) -> None:
        everybody.wait(10)

    sandbox.on_answer = wait_for_everybody
    with ThreadPoolExecutor(64) as callers:
        answers = callers.map(get_account, [account] * 64)

    assert [answer["id"] for answer in answers] == [account] * 64


# --- Connections that break -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(reset=True)])
def test_broken_connection_is_worth_a_second_try(
    account: str, sandbox: Sandbox, fault: Fault
) -> None:
    get_account(account)
    sandbox.inject(fault, reused=True)

    with pytest.raises(UnipileUnavailable) as caught:
        get_account(account)

    assert caught.value.retry == AT_ONCE
    assert get_account(account) == sandbox.get(account)
    assert [request.reused for request in sandbox.requests] == [False, True, False]


def test_open_connections_are_kept_alive_by_the_kernel(settings: Settings) -> None:
    with Sandbox([linkedin_account(ID)]) as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, sandbox.api_key
        get_account(ID)

        [sock] = open_connections(sandbox.port)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 5
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_path_that_drops_every_packet_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session._TCP_OPTIONS, "TCP_USER_TIMEOUT", 300)
    with Sandbox([linkedin_account(ID)]) as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, sandbox.api_key
        get_account(ID)
        server = sandbox._server
        assert server
        for client in list(server._clients):
            drop_packets(client)

        with no_longer_than(5), pytest.raises(UnipileUnavailable, match="timed out"):
            get_account(ID, timeout=30)
        assert get_account(ID)["id"] == ID


def drop_packets(sock: socket.socket) -> None:
    """Let this connection get no more packets, like one that a router has forgotten."""
    accept_nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(accept_nothing))
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except PermissionError:
        pytest.skip("This system lets only root drop packets")


# Linux knows it by this number; Python has no name for it.
SO_ATTACH_FILTER = 26


# --- Processes ------------------------------------------------------------------------------------


def test_forked_process_opens_its_own_connection(account: str, sandbox: Sandbox) -> None:
    get_account(account)
    if not (child := os.fork()):
        try:
            get_account(account)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    get_account(account)

    first, in_child, last = (request.connection for request in sandbox.requests)
    assert first == last != in_child


ASK_AND_END = """
import django
django.setup()
from unipile_accounts.unipile import begin_list
begin_list(timeout=60)
"""


def test_process_ends_though_a_question_hangs(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(silent=True))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "puffle.settings",
        "UNIPILE_DSN": sandbox.url,
        "UNIPILE_API_KEY": sandbox.api_key,
    }

    subprocess.run([sys.executable, "-c", ASK_AND_END], env=environment, check=True, timeout=30)
