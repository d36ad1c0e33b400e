from __future__ import annotations

import ctypes
import io
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID, Peer, answer, no_longer_than
from unipile_accounts.exceptions import UnipileError, UnipileTimeout, UnipileUnavailable
from unipile_accounts.unipile import connections
from unipile_accounts.unipile.accounts import get_account, list_accounts
from unipile_accounts.unipile.session import session
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_one_connection_serves_many_requests_also_after_errors(
    account: str, sandbox: Sandbox
) -> None:
    get_account(account)
    for status in (404, 429, 500, 503, 302):
        sandbox.inject(Fault(status=status), times=1)
        with pytest.raises(UnipileError):
            get_account(account)
    for framing in ("chunked", "length"):
        sandbox.inject(Fault(framing=framing, padding=1), times=1)
        get_account(account)
    list_accounts()

    assert {request.connection for request in sandbox.requests} == {sandbox.requests[0].connection}


def test_connection_that_the_server_closed_while_it_was_idle_is_survived(
    settings: Settings,
) -> None:
    with Sandbox([linkedin_account(ID)]) as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, sandbox.api_key
        get_account(ID)
        sandbox.stop()
        sandbox.start()

        assert get_account(ID)["id"] == ID
        assert sandbox.request_count == 2


def test_answer_that_ends_the_connection_is_followed_by_a_new_one(
    account: str, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(framing="close"), times=1)

    assert get_account(account) == get_account(account)
    assert len({request.connection for request in sandbox.requests}) == 2


def test_threads_share_the_open_connections(account: str, sandbox: Sandbox) -> None:
    def read() -> None:
        for _ in range(5):
            get_account(account)

    get_account(account)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sandbox.request_count == 41
    assert len({request.connection for request in sandbox.requests}) <= 8


# --- An answer belongs to its question ------------------------------------------------------------

MINE, OTHERS = {"id": ID}, {"id": "another"}


def test_early_hints_are_skipped(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(early_hints=3))

    assert get_account(account) == sandbox.get(account)
    sandbox.update(account, name="Mara Newname")
    assert get_account(account)["name"] == "Mara Newname"
    assert len({request.connection for request in sandbox.requests}) == 1


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 199 Of next year\r\n\r\n",
    ],
)
def test_any_interim_answer_is_skipped(peer: Callable[..., Peer], interim: bytes) -> None:
    peer([interim + answer(MINE), interim * 2 + answer(MINE)])

    assert get_account(ID) == get_account(ID) == MINE


LEFT_OVER = {
    "a byte": answer(MINE) + b"x",
    "an answer": answer(MINE) + answer(OTHERS),
    "much": answer(MINE) + b"x" * 100_000,
    "after chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nx",
    "after a length of none": answer(MINE, status="204 No Content"),
    "after too short a length": answer(MINE).replace(b"Content-Length: 3", b"Content-Length: 1"),
    "after an error": answer(OTHERS, status="404 Not Found") + b"x",
}
DAMAGED = {
    "another protocol": answer({}, status="101 Switching Protocols"),
    "no colon": answer(MINE, head="hidden\r\n"),
    "a folded first line": answer(MINE, head=" hidden: 1\r\n"),
    "two lengths": answer(MINE, head="Content-Length: 2\r\n"),
    "a length and chunks": answer(MINE, head="Transfer-Encoding: chunked\r\n"),
    "a list of lengths": answer(MINE).replace(b"Content-Length: ", b"Content-Length: 2, "),
}


@pytest.mark.parametrize("name", [*LEFT_OVER, *DAMAGED])
def test_connection_is_closed_after_an_odd_answer(peer: Callable[..., Peer], name: str) -> None:
    peer([(LEFT_OVER | DAMAGED)[name], answer(OTHERS)], [answer(MINE)])
    with suppress(UnipileError):
        get_account(ID, timeout=0.3)

    assert get_account(ID) == MINE


@pytest.mark.parametrize("odd", DAMAGED.values(), ids=DAMAGED)
def test_damaged_head_is_refused_without_being_logged(
    peer: Callable[..., Peer], odd: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    peer([odd], hangs_up=True)

    with pytest.raises(UnipileUnavailable) as caught:
        get_account(ID, timeout=1)

    assert "hidden" not in f"{caplog.text} {caught.value}"


@pytest.mark.parametrize("left_over", [b"x", answer(OTHERS), answer(OTHERS) * 500])
def test_left_over_bytes_close_an_encrypted_connection(
    peer: Callable[..., Peer], tls: ssl.SSLContext, left_over: bytes
) -> None:
    # The answer fills a buffer, so that what is left over is still inside OpenSSL.
    padding = io.DEFAULT_BUFFER_SIZE - len(answer(MINE, head="X: \r\n"))
    odd = answer(MINE, head=f"X: {'x' * padding}\r\n")
    peer([odd + left_over, answer(OTHERS)], [answer(MINE)], tls=tls)

    assert get_account(ID) == get_account(ID) == MINE


# --- Connections that were forgotten --------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(reset=True)])
def test_used_connection_that_breaks_is_replaced_at_once(
    account: str, sandbox: Sandbox, fault: Fault
) -> None:
    get_account(account)
    sandbox.inject(fault, reused=True)

    assert get_account(account) == sandbox.get(account)
    assert [request.reused for request in sandbox.requests] == [False, True, False]


def test_used_connection_that_is_silent_does_not_cost_the_timeout(
    account: str, sandbox: Sandbox
) -> None:
    get_account(account)
    sandbox.inject(Fault(silent=True), reused=True)

    with no_longer_than(1.9):
        assert get_account(account, timeout=2) == sandbox.get(account)
    assert [request.reused for request in sandbox.requests] == [False, True, False]


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(reset=True), Fault(silent=True)])
def test_new_connection_gets_no_second_try(account: str, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject(fault)

    with pytest.raises((UnipileUnavailable, UnipileTimeout)):
        get_account(account, timeout=0.3)

    assert sandbox.request_count == 1


def test_second_try_has_what_is_left_of_the_time(account: str, sandbox: Sandbox) -> None:
    get_account(account)
    sandbox.inject(Fault(silent=True))

    with no_longer_than(1), pytest.raises(UnipileTimeout):
        get_account(account, timeout=0.4)

    assert sandbox.request_count == 3


def test_connections_are_not_used_after_a_long_pause(
    account: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_IDLE_SECONDS", 0)

    assert get_account(account) == get_account(account)
    assert [request.reused for request in sandbox.requests] == [False, False]


def test_open_connections_are_kept_alive_by_the_kernel(account: str, sandbox: Sandbox) -> None:
    get_account(account)

    connections_at_rest = session(sandbox.url).pool
    assert connections_at_rest
    sock = connections_at_rest.queue[-1].sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 15
    assert 0 < sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 3000
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_path_that_drops_every_packet_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections._TCP_OPTIONS, "TCP_USER_TIMEOUT", 300)
    with Sandbox([linkedin_account(ID)]) as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, sandbox.api_key
        get_account(ID)
        server = sandbox._server
        assert server
        for client in list(server._clients):
            drop_packets(client)

        with no_longer_than(5):
            assert get_account(ID, timeout=30)["id"] == ID


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
