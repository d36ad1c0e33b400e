from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    connect,
    exchange,
    fill,
    get,
    get_account,
    get_page,
    whole_connection,
)
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_connection_is_kept_alive(sandbox: Sandbox, account: str) -> None:
    with connect(sandbox.url) as connection:
        for path in (ACCOUNTS, f"{ACCOUNTS}/nobody", f"{ACCOUNTS}/{account}"):
            exchange(connection, path)
        exchange(connection, ACCOUNTS, method="POST", body="x" * 1000)
        exchange(connection, ACCOUNTS, key="wrong")
    get(sandbox, ACCOUNTS)
    numbers = [request.connection for request in sandbox.requests]
    assert len(numbers) == 6
    assert len(set(numbers[:5])) == 1
    assert numbers[5] != numbers[0]


@pytest.mark.parametrize(
    "lines",
    [
        b"GET /x HTTP/1.1\r\nConnection: close",
        b"GET /x HTTP/1.0",
        b"HEAD /x HTTP/1.1",
        b"nonsense",
        b"POST /x HTTP/1.1\r\nContent-Length: -1",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked",
    ],
)
@pytest.mark.parametrize("fault", [None, Fault(headers={"X": "y"})])
def test_connection_ends_after_the_answer_when_it_cannot_go_on(
    sandbox: Sandbox, lines: bytes, fault: Fault | None
) -> None:
    if fault:
        sandbox.inject(fault)
    answer = whole_connection(sandbox, lines)
    assert answer.startswith((b"HTTP/1.1 404 Not Found", b"HTTP/1.1 400 Bad Request"))


def test_waiting_client_is_told_to_send_its_body(sandbox: Sandbox) -> None:
    with socket.create_connection((sandbox.host, sandbox.port), timeout=10) as client:
        client.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x")
        assert client.recv(65536).startswith(b"HTTP/1.1 404")


def test_many_clients_read_and_write_at_once(sandbox: Sandbox) -> None:
    fill(sandbox, 20)

    def work(number: int) -> tuple[str, int]:
        sandbox.add(linkedin_account(f"extra-{number}"))
        sandbox.update(f"account-{number}", name=f"Name {number}")
        sandbox.remove(f"extra-{number}")
        name = get_account(sandbox, f"account-{number}").json["name"]
        return name, len(get_page(sandbox, limit=20)["items"])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(work, range(20))) == [(f"Name {number}", 20) for number in range(20)]
    assert sandbox.request_count == 40
    assert len(sandbox.state()["accounts"]) == 20
