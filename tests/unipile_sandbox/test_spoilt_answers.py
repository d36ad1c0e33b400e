from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    KEY,
    at_least,
    connect,
    exchange,
    fill,
    get,
    get_account,
    get_page,
    statuses,
    whole_connection,
)
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_error_type_and_headers_can_be_chosen(sandbox: Sandbox, account: str) -> None:
    fault = Fault(status=401, error_type="errors/expired_credentials", headers={"Retry-After": "7"})
    sandbox.inject(fault)
    reply = get_account(sandbox, account)
    assert reply.json == {
        "status": 401,
        "type": "errors/expired_credentials",
        "title": "Expired credentials",
    }
    assert reply.headers["Retry-After"] == "7"


def test_fault_leaves_the_rest_of_an_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=202, headers={"Content-Type": "text/html"}))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.json) == (202, sandbox.get(account))
    assert reply.headers.get_all("Content-Type") == ["text/html"]
    assert get(sandbox, f"{ACCOUNTS}/nobody", key="wrong").json["status"] == 401


@pytest.mark.parametrize("body", [b"", b"\xff\x00"])
def test_body_can_be_replaced_by_any_bytes(sandbox: Sandbox, account: str, body: bytes) -> None:
    sandbox.inject(Fault(body=body))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.body) == (200, body)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=60),
        Fault(drip_headers=60),
        Fault(drip_body=60),
        Fault(padding=2**40),
        Fault(padding=2**40, framing="chunked"),
    ],
)
def test_stop_ends_answers_that_take_long(fault: Fault, capfd: pytest.CaptureFixture[str]) -> None:
    arrived = threading.Event()
    threads_before = set(threading.enumerate())
    sandbox = Sandbox([linkedin_account("a")]).start()
    sandbox.inject(fault)
    sandbox.on_answer = lambda _: arrived.set()
    with socket.create_connection((sandbox.host, sandbox.port), timeout=10) as client:
        client.sendall(f"GET {ACCOUNTS}/a HTTP/1.1\r\nX-API-KEY: {KEY}\r\n\r\n".encode())
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


def test_body_drips_after_a_whole_head(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(body=b"x" * 20, drip_body=0.005))
    with connect(sandbox.url) as connection:
        connection.request("GET", f"{ACCOUNTS}/{account}", headers={"X-API-KEY": KEY})
        response = connection.getresponse()
        with at_least(0.05):
            assert response.read(1) == b"x"
            assert response.read() == b"x" * 19


@pytest.mark.parametrize(
    "fault", [Fault(cut=10), Fault(cut=10, framing="chunked"), Fault(cut=10, padding=200_000)]
)
def test_cut_body_is_shorter_than_announced(sandbox: Sandbox, account: str, fault: Fault) -> None:
    sandbox.inject(fault)
    with pytest.raises(http.client.IncompleteRead) as caught:
        get_account(sandbox, account)
    assert caught.value.partial == b'{"object":'


def test_chunked_body_is_whole_and_keeps_the_connection(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(framing="chunked", padding=100_000))
    with connect(sandbox.url) as connection:
        for _ in range(2):
            reply = exchange(connection, f"{ACCOUNTS}/{account}")
            assert reply.headers["Transfer-Encoding"] == "chunked"
            assert reply.json == sandbox.get(account)
            assert reply.body.endswith(b"}" + b" " * 100_000)
    assert len({request.connection for request in sandbox.requests}) == 1


def test_padded_body_is_large_and_still_json(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(padding=5_000_000), times=1)
    sandbox.inject(Fault(padding=2**40))
    with connect(sandbox.url) as connection:
        reply = exchange(connection, f"{ACCOUNTS}/{account}")
        assert len(reply.body) == int(reply.headers["Content-Length"])
        assert reply.body.endswith(b"}" + b" " * 5_000_000)
        assert reply.json == sandbox.get(account)
        connection.request("GET", f"{ACCOUNTS}/{account}", headers={"X-API-KEY": KEY})
        response = connection.getresponse()
        assert len(response.read(10_000_000)) == 10_000_000
        response.close()


def test_padded_gzip_is_a_bomb(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(gzip=True, padding=10_000_000))
    reply = get_account(sandbox, account)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert int(reply.headers["Content-Length"]) == len(reply.body) < 20_000
    body = gzip.decompress(reply.body)
    assert len(body) > 10_000_000
    assert json.loads(body) == sandbox.get(account)


def test_fault_of_an_account_hits_only_its_reads(sandbox: Sandbox) -> None:
    fill(sandbox, 2)
    sandbox.inject(Fault(status=500), account_id="account-1")
    sandbox.inject(Fault(status=503), account_id="gone")
    paths = ("/account-0", "/account-1", "", "/gone", "/account-1")
    assert statuses(sandbox, *paths) == [200, 500, 200, 503, 500]


def test_fault_of_pages_starts_at_that_page(sandbox: Sandbox) -> None:
    fill(sandbox, 6)
    cursors = [get_page(sandbox, limit=limit)["cursor"] for limit in (2, 4)]
    paths = ["?limit=2", *(f"?limit=2&cursor={quote(cursor)}" for cursor in cursors), "/account-5"]
    sandbox.inject(Fault(status=500), page=2)
    assert statuses(sandbox, *paths) == [200, 500, 500, 200]
    sandbox.clear_faults()
    sandbox.inject(Fault(status=500), page=1)
    assert statuses(sandbox, *paths) == [500, 500, 500, 200]


def test_faults_are_used_up_in_order(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=429), times=2)
    sandbox.inject(Fault(status=503), times=1)
    assert statuses(sandbox, *[f"/{account}"] * 5) == [429, 429, 503, 200, 200]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": 199}, "status must be"),
        ({"error_type": "errors/x", "status": 301}, "error_type needs"),
        ({"delay": -1}, "delay must be"),
        ({"drip_body": float("inf")}, "drip_body must be"),
        ({"framing": "x"}, "framing must be"),
        ({"cut": -1}, "cut must not"),
        ({"padding": 2**41}, "padding must be"),
        ({"padding": 2**31, "gzip": True}, "padding must be"),
        ({"arrays": -1}, "arrays must be"),
        ({"early_hints": 9999}, "early_hints must be"),
    ],
)
def test_impossible_fault_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**fields)


@pytest.mark.parametrize("target", [{"account_id": "a", "page": 1}, {"page": 0}, {"times": 0}])
def test_impossible_target_is_refused(sandbox: Sandbox, target: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"for both|1 or more"):
        sandbox.inject(Fault(status=500), **target)


# Connections and lists that turn odd


@pytest.mark.parametrize("count", [1, 3])
def test_early_hints_come_before_the_answer(sandbox: Sandbox, account: str, count: int) -> None:
    sandbox.inject(Fault(early_hints=count))
    lines = f"GET {ACCOUNTS}/{account} HTTP/1.1\r\nX-API-KEY: {KEY}\r\nConnection: close"
    *hints, head, body = whole_connection(sandbox, lines.encode()).split(b"\r\n\r\n")
    assert [hint.split(b"\r\n")[0] for hint in hints] == [b"HTTP/1.1 103 Early Hints"] * count
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(body) == sandbox.get(account)


def test_silent_connection_never_answers(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(silent=True))
    with connect(sandbox.url, timeout=0.05) as connection, pytest.raises(TimeoutError):
        exchange(connection, f"{ACCOUNTS}/{account}")


@pytest.mark.parametrize("fault", [Fault(silent=True), Fault(reset=True), Fault(close=True)])
def test_fault_of_reused_connections_spares_the_first_request(
    sandbox: Sandbox, account: str, fault: Fault
) -> None:
    sandbox.inject(fault, reused=True)
    with connect(sandbox.url, timeout=0.1) as connection:
        assert exchange(connection, f"{ACCOUNTS}/{account}").status == 200
        with pytest.raises((OSError, http.client.HTTPException)):
            exchange(connection, f"{ACCOUNTS}/{account}")
    assert get_account(sandbox, account).status == 200
    assert [request.reused for request in sandbox.requests] == [False, True, False]
