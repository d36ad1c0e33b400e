from __future__ import annotations

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    connect,
    exchange,
    get,
    whole_connection,
)
from unipile_sandbox import Fault, Sandbox


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
def test_connection_ends_when_it_cannot_go_on(
    sandbox: Sandbox, lines: bytes, fault: Fault | None
) -> None:
    if fault:
        sandbox.inject(fault)
    answer = whole_connection(sandbox, lines)
    assert answer.startswith((b"HTTP/1.1 404 Not Found", b"HTTP/1.1 400 Bad Request"))
