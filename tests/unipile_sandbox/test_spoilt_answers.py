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
    BAD_FAULTS,
    KEY,
    at_least,
    connect,
    control,
    exchange,
    fill,
    get,
    get_account,
    get_page,
    ids,
    statuses,
    whole_connection,
)
from unipile_sandbox import Fault, Sandbox, linkedin_account


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "errors/invalid_parameters"),
        (401, "errors/missing_credentials"),
        (404, "errors/resource_not_found"),
        (429, "errors/too_many_requests"),
        (500, "errors/unexpected_error"),
        (503, "errors/service_unavailable"),
        (504, "errors/request_timeout"),
        (599, "errors/unexpected_error"),
    ],
)
def test_status_fault_brings_unipiles_error_body(
    sandbox: Sandbox, account: str, status: int, error_type: str
) -> None:
    sandbox.inject(Fault(status=status))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.json["status"], reply.json["type"]) == (status, status, error_type)


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


def test_redirect_has_a_location_and_no_body(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=301, headers={"Location": "http://example.com/"}))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.headers["Location"], reply.body) == (
        301,
        "http://example.com/",
        b"",
    )


def test_what_a_fault_leaves_unset_is_the_true_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=202, headers={"Content-Type": "text/html"}))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.json) == (202, sandbox.get(account))
    assert reply.headers.get_all("Content-Type") == ["text/html"]
    assert get(sandbox, f"{ACCOUNTS}/nobody", key="wrong").json["status"] == 401


@pytest.mark.parametrize("body", [b"", b'{"object":', b"<html>", b"\xff\x00"])
def test_body_can_be_replaced_by_any_bytes(sandbox: Sandbox, account: str, body: bytes) -> None:
    sandbox.inject(Fault(body=body))
    reply = get_account(sandbox, account)
    assert (reply.status, reply.body) == (200, body)


def test_delay_passes_before_the_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(delay=0.05))
    with at_least(0.05):
        assert get_account(sandbox, account).status == 200


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


def test_head_drips_before_a_whole_body(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(drip_headers=0.001))
    with connect(sandbox.url) as connection, at_least(0.05):
        connection.request("GET", f"{ACCOUNTS}/{account}", headers={"X-API-KEY": KEY})
        response = connection.getresponse()
    assert response.status == 200


def test_connection_closes_without_an_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(close=True))
    with pytest.raises(http.client.RemoteDisconnected):
        get_account(sandbox, account)


@pytest.mark.parametrize(
    "fault", [Fault(cut=10), Fault(cut=10, framing="chunked"), Fault(cut=10, padding=200_000)]
)
def test_cut_body_is_shorter_than_announced(sandbox: Sandbox, account: str, fault: Fault) -> None:
    sandbox.inject(fault)
    with pytest.raises(http.client.IncompleteRead) as caught:
        get_account(sandbox, account)
    assert caught.value.partial == b'{"object":'


def test_body_cut_without_a_length_looks_whole(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(framing="close"), times=1)
    sandbox.inject(Fault(cut=10, framing="close"))
    assert get_account(sandbox, account).json == sandbox.get(account)
    reply = get_account(sandbox, account)
    assert reply.body == b'{"object":'
    assert not {"content-length", "transfer-encoding"} & {name.lower() for name in reply.headers}


def test_cut_past_the_end_hangs_up_unannounced_after_a_whole_answer(
    sandbox: Sandbox, account: str
) -> None:
    sandbox.inject(Fault(cut=10_000), times=1)
    with connect(sandbox.url) as connection:
        reply = exchange(connection, f"{ACCOUNTS}/{account}")
        assert reply.json == sandbox.get(account)
        assert "Connection" not in reply.headers
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            exchange(connection, f"{ACCOUNTS}/{account}")


def test_chunked_body_is_whole_and_keeps_the_connection(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(framing="chunked", padding=100_000))
    with connect(sandbox.url) as connection:
        for _ in range(2):
            reply = exchange(connection, f"{ACCOUNTS}/{account}")
            assert reply.headers["Transfer-Encoding"] == "chunked"
            assert reply.json == sandbox.get(account)
            assert reply.body.endswith(b"}" + b" " * 100_000)
    assert len({request.connection for request in sandbox.requests}) == 1


def test_empty_chunked_body_ends_once(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(framing="chunked", body=b""))
    answer = whole_connection(sandbox, b"GET / HTTP/1.1\r\nConnection: close")
    assert answer.partition(b"\r\n\r\n")[2] == b"0\r\n\r\n"


def test_padding_makes_a_body_of_any_size_that_is_still_json(
    sandbox: Sandbox, account: str
) -> None:
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


def test_gzip_packs_the_body_and_padding_makes_it_a_bomb(sandbox: Sandbox, account: str) -> None:
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


def test_fault_of_pages_hits_the_list_from_that_page_on(sandbox: Sandbox) -> None:
    fill(sandbox, 6)
    cursors = [get_page(sandbox, limit=limit)["cursor"] for limit in (2, 4)]
    paths = ["?limit=2", *(f"?limit=2&cursor={quote(cursor)}" for cursor in cursors), "/account-5"]
    sandbox.inject(Fault(status=500), page=2)
    assert statuses(sandbox, *paths) == [200, 500, 500, 200]
    sandbox.clear_faults()
    sandbox.inject(Fault(status=500), page=1)
    assert statuses(sandbox, *paths) == [500, 500, 500, 200]


def test_fault_without_a_target_hits_everything(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=503))
    assert statuses(sandbox, "", f"/{account}", "/nobody", "/a/b") == [503] * 4
    assert get(sandbox, ACCOUNTS, key="wrong").status == 503
    assert control(sandbox, "GET", "").status == 200


def test_faults_are_used_up_in_the_order_they_came(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=429), times=2)
    sandbox.inject(Fault(status=503), times=1)
    assert statuses(sandbox, *[f"/{account}"] * 5) == [429, 429, 503, 200, 200]


def test_cleared_faults_are_gone(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=429))
    sandbox.clear_faults()
    assert statuses(sandbox, f"/{account}") == [200]


@pytest.mark.parametrize(("fields", "message"), BAD_FAULTS)
def test_impossible_fault_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**fields)


@pytest.mark.parametrize(
    "target", [{"account_id": "a", "page": 1}, {"page": 0}, {"times": 0}, {"times": -1}]
)
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


def test_reset_breaks_the_connection_off(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(reset=True))
    with pytest.raises(ConnectionResetError):
        get_account(sandbox, account)


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


def test_body_of_empty_lists_is_as_large_as_wanted(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(arrays=3_000_000))
    reply = get_account(sandbox, account)
    assert reply.body[:8] == b"[[],[],["
    assert len(reply.body) == pytest.approx(3_000_000, rel=0.01)
    assert len(reply.json) == 1_000_000


def test_endless_list_has_an_ever_new_cursor(sandbox: Sandbox) -> None:
    fill(sandbox, 3)
    sandbox.listing.endless = True
    page, cursors, sizes = get_page(sandbox, limit=2), set(), []
    for _ in range(5):
        sizes.append(len(page["items"]))
        cursors.add(page["cursor"])
        page = get_page(sandbox, limit=2, cursor=page["cursor"])
    assert sizes == [2, 1, 0, 0, 0]
    assert len(cursors) == 5


def test_accounts_appear_while_a_page_is_on_its_way(sandbox: Sandbox) -> None:
    fill(sandbox, 4)
    sandbox.listing.grow_by = 3
    pages = [get_page(sandbox, limit=2)]
    while pages[-1]["cursor"]:
        pages.append(get_page(sandbox, limit=2, cursor=pages[-1]["cursor"]))
    assert [page["total_count"] for page in pages] == [4, 7, 7, 7]
    assert ids(pages[1]) == ["account-2", "account-3"]


def test_accounts_that_appear_first_move_the_others(sandbox: Sandbox) -> None:
    fill(sandbox, 4)
    reply = control(sandbox, "PATCH", "/list", {"grow_by": 1, "newest_first": True})
    assert reply.json["growths"] == 1
    cursor = get_page(sandbox, limit=2)["cursor"]
    assert ids(get_page(sandbox, limit=2, cursor=cursor)) == ["account-1", "account-2"]


def test_operation_narrows_a_fault(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=500), operation="list")
    assert statuses(sandbox, "", f"/{account}") == [500, 200]
    with pytest.raises(ValueError, match="operation must be one of account, list"):
        sandbox.inject(Fault(status=500), operation="read")  # type: ignore[arg-type]
