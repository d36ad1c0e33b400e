from __future__ import annotations

import gzip
import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest

from unipile_sandbox import (
    Fault,
    Payload,
    Request,
    Sandbox,
    UnknownAccountError,
    linkedin_account,
    samples,
)

ROOT = Path(__file__).parent.parent
KEY = "sandbox-key"
ACCOUNTS = "/api/v1/accounts"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture
def account(sandbox: Sandbox) -> str:
    return sandbox.add(linkedin_account("mara", name="Mara Feldkamp"))


def connect(url: str, timeout: float = 10) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout))


def exchange(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    key: str | None = KEY,
    body: str | bytes | None = None,
) -> Reply:
    connection.request(method, path, body, {} if key is None else {"X-API-KEY": key})
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def get(sandbox: Sandbox, path: str, **kwargs: Any) -> Reply:
    with connect(sandbox.url) as connection:
        return exchange(connection, path, **kwargs)


def get_account(sandbox: Sandbox, account_id: str) -> Reply:
    return get(sandbox, f"{ACCOUNTS}/{quote(account_id, safe='')}")


def get_page(sandbox: Sandbox, **parameters: object) -> Any:
    reply = get(sandbox, f"{ACCOUNTS}?{urlencode(parameters)}")
    assert reply.status == 200
    return reply.json


def control(sandbox: Sandbox, method: str, path: str, body: object = None) -> Reply:
    text = None if body is None else json.dumps(body)
    return get(sandbox, f"/sandbox{path}", method=method, key=None, body=text)


def whole_connection(sandbox: Sandbox, lines: bytes) -> bytes:
    with socket.create_connection((sandbox.host, sandbox.port), timeout=10) as client:
        client.sendall(lines + b"\r\n\r\n")
        return b"".join(iter(lambda: client.recv(65536), b""))


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


def fill(sandbox: Sandbox, count: int) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(count))


# Reading one account


@pytest.mark.parametrize("account_id", ["mara", "-Qe7TzH2R0uJm5nXc8VwPg", "a/b?c#d %2F", "Zoë"])
def test_read_gives_the_account_with_that_id(sandbox: Sandbox, account_id: str) -> None:
    payload = linkedin_account(account_id)
    sandbox.load([linkedin_account("other"), payload])
    reply = get_account(sandbox, account_id)
    assert (reply.status, reply.json) == (200, payload)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", [ACCOUNTS, f"{ACCOUNTS}/mara"])
@pytest.mark.parametrize("key", [None, "", "sandbox-kex", "SANDBOX-KEY"])
def test_wrong_key_gets_what_unipile_says_to_it(
    sandbox: Sandbox, account: str, path: str, key: str | None
) -> None:
    reply = get(sandbox, path, key=key)
    assert reply.status == 401
    assert reply.body == (
        b'{"status":401,"type":"errors/missing_credentials","title":"Missing credentials"}'
    )


def test_unknown_account_is_not_found(sandbox: Sandbox, account: str) -> None:
    reply = get_account(sandbox, "nobody")
    assert reply.status == 404
    assert reply.json == {
        "status": 404,
        "type": "errors/resource_not_found",
        "title": "Resource not found",
    }


@pytest.mark.parametrize("path", ["/", "/api/v1/users/me", f"{ACCOUNTS}/", f"{ACCOUNTS}/a/b"])
def test_other_paths_are_not_found(sandbox: Sandbox, path: str) -> None:
    reply = get(sandbox, path)
    assert (reply.status, reply.json["type"]) == (404, "errors/resource_not_found")


@pytest.mark.parametrize("path", [ACCOUNTS, f"{ACCOUNTS}/mara"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_other_methods_are_not_allowed(
    sandbox: Sandbox, account: str, path: str, method: str
) -> None:
    reply = get(sandbox, path, method=method)
    assert (reply.status, reply.json["status"]) == (405, 405)
    assert reply.headers["Allow"] == "GET"


def test_text_is_sent_as_utf_8_and_lone_surrogates_as_escapes(sandbox: Sandbox) -> None:
    sandbox.load([linkedin_account("a", name="Zoë 😀"), linkedin_account("b", name="\ud800")])
    assert '"name":"Zoë 😀"'.encode() in get_account(sandbox, "a").body
    assert rb'"name":"\ud800"' in get_account(sandbox, "b").body


# The list


def test_list_has_unipiles_envelope(sandbox: Sandbox) -> None:
    statuses = ["OK", "OK", "CONNECTING", "CREDENTIALS", "STOPPED", "ERROR"]
    accounts = [linkedin_account(statuses=[status]) for status in statuses]
    accounts += [linkedin_account(statuses=[]), linkedin_account(statuses=["STOPPED", "OK"])]
    sandbox.load(accounts)
    assert get_page(sandbox) == {
        "object": "AccountList",
        "items": accounts,
        "cursor": None,
        "total_count": 8,
        "status_counts": {"OK": 2, "CONNECTING": 1, "CREDENTIALS": 1, "STOPPED": 2},
    }


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2])]
)
def test_cursor_leads_through_all_pages_and_is_null_on_the_last(
    sandbox: Sandbox, count: int, sizes: list[int]
) -> None:
    fill(sandbox, count)
    pages = [get_page(sandbox, limit=2)]
    while pages[-1]["cursor"] is not None:
        pages.append(get_page(sandbox, limit=2, cursor=pages[-1]["cursor"]))
    assert [len(page["items"]) for page in pages] == sizes
    assert [item for page in pages for item in ids(page)] == [
        f"account-{number}" for number in range(count)
    ]


def test_a_page_holds_a_hundred_accounts_unless_told_otherwise(sandbox: Sandbox) -> None:
    fill(sandbox, 251)
    assert len(get_page(sandbox)["items"]) == 100
    assert len(get_page(sandbox, limit=1)["items"]) == 1
    assert len(get_page(sandbox, limit=250)["items"]) == 250


@pytest.mark.parametrize(
    "limit", ["0", "251", "-1", "+5", " 5", "1_0", "1.5", "x", "", "٣", "9" * 99]
)
def test_limit_must_be_an_integer_from_1_to_250(sandbox: Sandbox, limit: str) -> None:
    reply = get(sandbox, f"{ACCOUNTS}?{urlencode({'limit': limit})}")
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")
    assert "limit" in reply.json["detail"]


@pytest.mark.parametrize("cursor", ["", "x", "2", "é", "cG9zaXRpb246LTE=", "cG9zaXRpb246MDI="])
def test_cursor_must_be_one_that_was_given(sandbox: Sandbox, cursor: str) -> None:
    reply = get(sandbox, f"{ACCOUNTS}?{urlencode({'cursor': cursor})}")
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")
    assert "cursor" in reply.json["detail"]


def test_port_parameter_is_ignored(sandbox: Sandbox, account: str) -> None:
    assert ids(get_page(sandbox, port=13111, limit=1)) == [account]
    assert get(sandbox, f"{ACCOUNTS}/{account}?port=13111").json["id"] == account


def test_list_shifts_when_accounts_are_removed_and_added_between_pages(sandbox: Sandbox) -> None:
    fill(sandbox, 5)
    cursor = get_page(sandbox, limit=2)["cursor"]
    sandbox.remove("account-0")
    sandbox.add(linkedin_account("new"))
    assert ids(get_page(sandbox, limit=4, cursor=cursor)) == ["account-3", "account-4", "new"]


def test_cursor_past_the_end_of_a_shrunk_list_gives_an_empty_last_page(sandbox: Sandbox) -> None:
    fill(sandbox, 3)
    cursor = get_page(sandbox, limit=2)["cursor"]
    sandbox.remove("account-0")
    sandbox.remove("account-1")
    page = get_page(sandbox, limit=2, cursor=cursor)
    assert (page["items"], page["cursor"], page["total_count"]) == ([], None, 1)


# Connections


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


# The Python side


def test_samples_are_eight_linkedin_accounts_among_others() -> None:
    types = [payload["type"] for payload in samples()]
    assert types.count("LINKEDIN") == 8
    assert {"WHATSAPP", "GOOGLE_OAUTH", "TELEGRAM"} < set(types)
    assert types[0] == types[-2] == "LINKEDIN"
    assert len({payload["id"] for payload in samples()}) == len(types) == 11


def test_linkedin_account_has_the_keys_of_the_samples() -> None:
    made, sample = linkedin_account(), samples()[0]
    im, sample_im = (payload["connection_params"]["im"] for payload in (made, sample))
    assert made.keys() == sample.keys()
    assert im.keys() == sample_im.keys() - {"proxy"}
    assert (len(made["id"]), len(im["id"])) == (len(sample["id"]), len(sample_im["id"]))
    assert im["premiumFeatures"] == []
    assert made["sources"] == [{"id": f"{made['id']}_MESSAGING", "status": "OK"}]
    assert linkedin_account()["id"] != made["id"]


def test_linkedin_account_takes_every_interesting_key() -> None:
    payload = linkedin_account(
        "mara",
        name="Mara",
        premium_features=["premium"],
        premium_id="ACwAAB",
        premium_contract_id="2000000003",
        public_identifier="mara-example",
        statuses=["OK", "ERROR"],
        im={"username": 5, "extra": True},
    )
    im = payload["connection_params"]["im"]
    assert (payload["id"], payload["name"]) == ("mara", "Mara")
    assert [source["status"] for source in payload["sources"]] == ["OK", "ERROR"]
    assert len({source["id"] for source in payload["sources"]}) == 2
    assert im["premiumFeatures"] == ["premium"]
    assert (im["premiumId"], im["premiumContractId"]) == ("ACwAAB", "2000000003")
    assert (im["publicIdentifier"], im["username"], im["extra"]) == ("mara-example", 5, True)
    assert (
        linkedin_account(premium_features=None)["connection_params"]["im"]["premiumFeatures"]
        is None
    )


def test_linkedin_account_leaves_keys_out() -> None:
    payload = linkedin_account(omit=["premiumFeatures", "premium_id", "name", "sources"])
    assert not {"name", "sources"} & payload.keys()
    assert not {"premiumFeatures", "premiumId"} & payload["connection_params"]["im"].keys()
    assert "im" not in linkedin_account(omit=["im"])["connection_params"]
    with pytest.raises(ValueError, match="'colour' is not a key"):
        linkedin_account(omit=["colour"])


def test_adding_a_known_id_replaces_that_account_in_its_place(sandbox: Sandbox) -> None:
    fill(sandbox, 2)
    assert len(get_page(sandbox)["items"]) == 2
    assert sandbox.add(linkedin_account("account-0", name="New")) == "account-0"
    assert [item["name"] for item in get_page(sandbox)["items"]] == ["New", "Robin Sample"]


@pytest.mark.parametrize("payload", [{}, {"id": ""}, {"id": 5}])
def test_account_without_an_id_is_refused(sandbox: Sandbox, payload: Payload) -> None:
    with pytest.raises(ValueError, match="needs an id"):
        sandbox.add(payload)


def test_update_puts_changes_where_unipile_keeps_them(sandbox: Sandbox, account: str) -> None:
    expected = sandbox.get(account)
    expected["name"] = "Mara F."
    expected["sources"] = []
    expected["connection_params"]["im"] |= {"premiumFeatures": ["premium"], "premiumId": "X"}
    changes = {"name": "Mara F.", "sources": [], "premiumFeatures": ["premium"], "premium_id": "X"}
    assert sandbox.update(account, **changes) == expected
    assert get_account(sandbox, account).json == expected


def test_update_gives_a_status_to_every_source(sandbox: Sandbox) -> None:
    sandbox.load([linkedin_account("two", statuses=["OK", "OK"]), linkedin_account("none")])
    sandbox.update("none", sources=[])
    for account_id in ("two", "none"):
        sandbox.update(account_id, status="CREDENTIALS")
    sources = get_account(sandbox, "two").json["sources"]
    assert [source["status"] for source in sources] == ["CREDENTIALS"] * 2
    assert get_account(sandbox, "none").json["sources"] == [
        {"id": "none_MESSAGING", "status": "CREDENTIALS"}
    ]
    assert get_page(sandbox)["status_counts"]["CREDENTIALS"] == 2


def test_update_leaves_keys_out(sandbox: Sandbox, account: str) -> None:
    sandbox.update(account, omit=["premiumFeatures", "name"])
    payload = get_account(sandbox, account).json
    assert "name" not in payload
    assert "premiumFeatures" not in payload["connection_params"]["im"]


@pytest.mark.parametrize("changes", [{"id": "x"}, {"premiumFeature": []}, {"omit": ["id"]}])
def test_update_refuses_what_is_not_a_key_and_changes_nothing(
    sandbox: Sandbox, account: str, changes: Payload
) -> None:
    before = sandbox.get(account)
    with pytest.raises(ValueError, match="is not a key"):
        sandbox.update(account, name="New", **changes)
    assert sandbox.get(account) == before


def test_accounts_may_be_as_odd_as_a_test_wants_them(sandbox: Sandbox, account: str) -> None:
    sandbox.update(account, sources="x", connection_params=[])
    assert get_account(sandbox, account).json["connection_params"] == []
    assert get_page(sandbox)["status_counts"]["OK"] == 0
    sandbox.update(account, status="OK", premiumFeatures=[])
    assert get_account(sandbox, account).json["connection_params"] == {
        "im": {"premiumFeatures": []}
    }


def test_removed_account_is_gone(sandbox: Sandbox, account: str) -> None:
    sandbox.remove(account)
    assert get_account(sandbox, account).status == 404
    page = get_page(sandbox)
    assert (page["total_count"], page["status_counts"]["OK"]) == (0, 0)
    for call in (sandbox.remove, sandbox.get, sandbox.update):
        with pytest.raises(UnknownAccountError, match="There is no account 'mara'"):
            call(account)


def test_requests_are_recorded_as_they_came(sandbox: Sandbox, account: str) -> None:
    with connect(sandbox.url) as connection:
        exchange(connection, f"{ACCOUNTS}?limit=1")
        exchange(connection, f"{ACCOUNTS}/{account}", method="POST", key=None)
    control(sandbox, "GET", "")
    first, second = sandbox.requests
    assert (first.method, first.path) == ("GET", f"{ACCOUNTS}?limit=1")
    assert (second.method, second.path) == ("POST", f"{ACCOUNTS}/{account}")
    assert first.headers["x-api-key"] == KEY
    assert "x-api-key" not in second.headers
    assert first.connection == second.connection
    assert sandbox.request_count == 2


@pytest.mark.parametrize("record", [0, 2])
def test_recording_is_bounded_and_counting_is_not(record: int) -> None:
    with Sandbox(record=record) as sandbox:
        for number in range(3):
            get(sandbox, f"{ACCOUNTS}/{number}")
        paths = [request.path[-1] for request in sandbox.requests]
        assert paths == ["1", "2"][:record]
        assert sandbox.request_count == 3


def test_reset_goes_back_to_the_start() -> None:
    called: list[Request] = []
    with Sandbox([linkedin_account("a"), linkedin_account("b")], api_key="other") as sandbox:
        sandbox.update("a", name="New")
        sandbox.remove("b")
        sandbox.add(linkedin_account("c"))
        sandbox.inject(Fault(status=500))
        sandbox.latency = 60
        sandbox.on_answer = called.append
        sandbox.reset()
        assert sandbox.requests == called == []
        reply = get(sandbox, ACCOUNTS, key="other")
        assert [item["name"] for item in reply.json["items"]] == ["Robin Sample"] * 2
        assert ids(reply.json) == ["a", "b"]
        assert (sandbox.request_count, called) == (1, [])


def test_on_answer_may_change_what_is_too_late_for_that_answer(
    sandbox: Sandbox, account: str
) -> None:
    seen = []

    def rename(request: Request) -> None:
        seen.append(request.path)
        sandbox.update(account, name="New")

    sandbox.on_answer = rename
    names = [get_account(sandbox, account).json["name"] for _ in range(2)]
    assert names == ["Mara Feldkamp", "New"]
    assert seen == [f"{ACCOUNTS}/{account}"] * 2


def test_latency_passes_before_each_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.latency = 0.05
    with at_least(0.1):
        get_account(sandbox, account)
        get_page(sandbox)


def test_sandbox_starts_again_on_its_port() -> None:
    with Sandbox() as sandbox, connect(sandbox.url) as connection:
        url = sandbox.url
        exchange(connection, ACCOUNTS)
        with connect(url) as idle:
            exchange(idle, ACCOUNTS)
            sandbox.stop()
            sandbox.stop()
            # Closed by the sandbox first: the port now waits out the connection.
            assert idle.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            get(sandbox, ACCOUNTS)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            exchange(connection, ACCOUNTS)
        assert sandbox.start().start().url == url
        assert get(sandbox, ACCOUNTS).status == 200


# Faults


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start >= seconds


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


def statuses(sandbox: Sandbox, *paths: str) -> list[int]:
    return [get(sandbox, ACCOUNTS + path).status for path in paths]


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


BAD_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"status": 199}, "status must be"),
    ({"status": 1000}, "status must be"),
    ({"error_type": "errors/x"}, "error_type needs"),
    ({"error_type": "errors/x", "status": 301}, "error_type needs"),
    ({"delay": -1}, "delay must be"),
    ({"delay": float("nan")}, "delay must be"),
    ({"drip_body": float("inf")}, "drip_body must be"),
    ({"drip_headers": 1e9}, "drip_headers must be"),
    ({"framing": "x"}, "framing must be"),
    ({"cut": -1}, "cut must not"),
    ({"padding": -1}, "padding must be"),
    ({"padding": 2**41}, "padding must be"),
    ({"padding": 2**31, "gzip": True}, "padding must be"),
]


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


# The control route


def test_patch_upgrades_an_account(sandbox: Sandbox, account: str) -> None:
    reply = control(
        sandbox, "PATCH", f"/accounts/{account}", {"premiumFeatures": ["premium"], "status": "OK"}
    )
    assert reply.status == 200
    assert reply.json == get_account(sandbox, account).json
    assert reply.json["connection_params"]["im"]["premiumFeatures"] == ["premium"]


def test_patch_finds_an_id_with_a_slash(sandbox: Sandbox) -> None:
    sandbox.add(linkedin_account("a/b"))
    reply = control(sandbox, "PATCH", "/accounts/a%2Fb", {"name": "New", "omit": ["premiumId"]})
    assert (reply.status, sandbox.get("a/b")["name"]) == (200, "New")
    assert "premiumId" not in sandbox.get("a/b")["connection_params"]["im"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_account_is_added_from_a_few_keys_or_a_whole_payload(sandbox: Sandbox, method: str) -> None:
    few = {"id": "a", "name": "Ada", "premiumFeatures": ["premium"], "status": "CONNECTING"}
    whole = samples()[2]
    for body in (few, whole, {}):
        reply = control(sandbox, method, "/accounts", body)
        assert (reply.status, reply.json) == (201, sandbox.get(reply.json["id"]))
    made = linkedin_account("a", name="Ada", premium_features=["premium"], statuses=["CONNECTING"])
    assert sandbox.get("a") == made
    assert sandbox.get(whole["id"]) == whole
    assert len(sandbox.state()["accounts"]) == 3


def test_delete_removes_an_account(sandbox: Sandbox, account: str) -> None:
    assert control(sandbox, "DELETE", f"/accounts/{account}").json["account_count"] == 0
    assert get_account(sandbox, account).status == 404


def test_faults_are_injected_and_cleared(sandbox: Sandbox, account: str) -> None:
    fault = {"status": 429, "headers": {"Retry-After": 7}, "account_id": account, "times": 1}
    assert control(sandbox, "POST", "/faults", fault).json["fault_count"] == 1
    for body in ('{"object":', {"a": 1}, "\ud800"):
        control(sandbox, "POST", "/faults", {"body": body, "page": 1, "times": 1, "gzip": False})
    assert get_account(sandbox, "nobody").status == 404
    reply = get_account(sandbox, account)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
    assert get_account(sandbox, account).status == 200
    bodies = [get(sandbox, ACCOUNTS).body for _ in range(3)]
    assert bodies == [b'{"object":', b'{"a":1}', b"?"]
    control(sandbox, "POST", "/faults", {"close": True})
    assert control(sandbox, "DELETE", "/faults").json["fault_count"] == 0
    assert get_account(sandbox, account).status == 200


def test_state_says_what_is_there(sandbox: Sandbox, account: str) -> None:
    get_account(sandbox, account)
    sandbox.inject(Fault(status=500))
    reply = control(sandbox, "GET", "")
    assert (reply.status, reply.body[-1:]) == (200, b"\n")
    assert reply.json == {
        "account_count": 1,
        "request_count": 1,
        "fault_count": 1,
        "accounts": {account: "Mara Feldkamp"},
    }


def test_state_names_only_the_first_accounts(sandbox: Sandbox) -> None:
    fill(sandbox, 101)
    state = control(sandbox, "GET", "/").json
    assert (state["account_count"], len(state["accounts"])) == (101, 100)


def test_reset_is_a_post(sandbox: Sandbox, account: str) -> None:
    get_account(sandbox, account)
    assert control(sandbox, "POST", "/reset").json == {
        "account_count": 0,
        "request_count": 0,
        "fault_count": 0,
        "accounts": {},
    }


@pytest.mark.parametrize(
    "case",
    [
        ("PATCH", "/accounts/mara", "{", "The body is not JSON"),
        ("PATCH", "/accounts/mara", b"\xff", "The body is not JSON"),
        ("PATCH", "/accounts/mara", "", "The body is not JSON"),
        ("PATCH", "/accounts/mara", "[" * 100_000, "nested too deeply"),
        ("PATCH", "/accounts/mara", "[1]", "must be a JSON object"),
        ("PATCH", "/accounts/mara", '{"colour": 1}', "'colour' is not a key"),
        ("PATCH", "/accounts/mara", '{"self": 1}', "'self' is not a key"),
        ("PATCH", "/accounts/mara", '{"account_id": 1}', "'account_id' is not a key"),
        ("PATCH", "/accounts/mara", '{"status": 1}', "status must be a string"),
        ("PATCH", "/accounts/mara", '{"omit": "x"}', "omit must be a list"),
        ("PATCH", "/accounts/mara", '{"omit": [[]]}', "omit must be a list"),
        ("POST", "/accounts", '{"status": 1}', "status must be a string"),
        ("POST", "/accounts", '{"id": 5}', "id must be a string"),
        ("POST", "/accounts", '{"id": ""}', "needs an id"),
        ("POST", "/accounts", '{"connection_params": 5}', "needs an id"),
        ("POST", "/faults", "{}", "changes nothing"),
        ("POST", "/faults", '{"colour": 1}', "'colour' is not known"),
        ("POST", "/faults", '{"status": "500"}', "status must be of type int"),
        ("POST", "/faults", '{"status": true}', "status must be of type int"),
        ("POST", "/faults", '{"delay": "1"}', "delay must be of type int or float"),
        ("POST", "/faults", '{"headers": []}', "headers must be of type dict"),
        ("POST", "/faults", '{"status": 500, "times": 1.5}', "must be integers"),
        ("POST", "/faults", '{"status": 500, "page": true}', "must be integers"),
        ("POST", "/faults", '{"status": 500, "times": 0}', "must be 1 or more"),
        ("POST", "/faults", '{"status": 500, "account_id": 5}', "account_id must be a string"),
        *(("POST", "/faults", json.dumps(fields), message) for fields, message in BAD_FAULTS),
    ],
)
def test_bad_control_input_is_answered_with_one_sentence(
    sandbox: Sandbox,
    account: str,
    capfd: pytest.CaptureFixture[str],
    case: tuple[str, str, str | bytes, str],
) -> None:
    method, path, body, message = case
    before = sandbox.state()
    reply = get(sandbox, f"/sandbox{path}", method=method, key=None, body=body)
    assert reply.status == 400
    assert message in reply.json["detail"]
    assert sandbox.state() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_control_of_an_unknown_account_says_so(sandbox: Sandbox, method: str) -> None:
    reply = control(sandbox, method, "/accounts/nobody", {"name": "New"})
    assert (reply.status, reply.json["detail"]) == (404, "There is no account 'nobody'.")


@pytest.mark.parametrize(("method", "path"), [("GET", "/x"), ("POST", ""), ("GET", "/faults")])
def test_unknown_control_route_names_the_others(sandbox: Sandbox, method: str, path: str) -> None:
    reply = control(sandbox, method, path)
    assert reply.status == 404
    assert "POST /sandbox/reset" in reply.json["detail"]


def test_deeply_nested_account_does_not_end_in_a_trace(
    sandbox: Sandbox, account: str, capfd: pytest.CaptureFixture[str]
) -> None:
    deep = '{"proxy": ' + "[" * 700 + "]" * 700 + "}"
    codes = [
        get(sandbox, f"/sandbox/accounts/{account}", method="PATCH", body=deep).status
        for _ in range(2)
    ]
    assert set(codes) <= {200, 400}
    assert get_account(sandbox, account).status == 200
    assert capfd.readouterr() == ("", "")


# The command


@contextmanager
def program(*options: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "unipile_sandbox", *options],
        cwd=ROOT,
        # Unbuffered output would hide a line that is never flushed.
        env=os.environ | {"PYTHONUNBUFFERED": ""} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_the_samples_until_a_signal_ends_it(number: signal.Signals) -> None:
    with program("--port", "0", "--key", "k1") as process:
        line = greeting(process)
        url = line.split()[3]
        with connect(url) as connection:
            assert exchange(connection, ACCOUNTS, key="k1").json["items"] == samples()
            process.send_signal(number)
            assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0
    assert "with key k1;" in line


def test_command_prints_a_curl_that_upgrades_the_first_account() -> None:
    with program("--port", "0", "--verbose", UNIPILE_SANDBOX_KEY="k2") as process:
        line = greeting(process)
        _, _, method, url, _, body = shlex.split(line.partition("to upgrade: ")[2])
        with connect(url) as connection:
            exchange(connection, urlsplit(url).path, method=method, key=None, body=body)
            path = f"{ACCOUNTS}/{samples()[0]['id']}"
            payload = exchange(connection, path, key="k2").json
            fault = '{"status": 500}'
            exchange(connection, "/sandbox/faults", method="POST", key=None, body=fault)
            exchange(connection, path)
        process.terminate()
        _, log = process.communicate(timeout=10)
    assert payload["connection_params"]["im"]["premiumFeatures"] == ["premium"]
    assert log.splitlines() == [
        f"PATCH {urlsplit(url).path} -> 200",
        f"GET {path} -> 200",
        "POST /sandbox/faults -> 200",
        f"GET {path} -> fault",
    ]


def test_command_has_a_key_of_its_own() -> None:
    with program("--port", "0", UNIPILE_SANDBOX_KEY="") as process:
        assert "with key sandbox-key;" in greeting(process)


def test_command_says_that_the_port_is_taken(sandbox: Sandbox) -> None:
    with program("--port", str(sandbox.port)) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (1, "")
    assert errors == f"Cannot listen on 127.0.0.1:{sandbox.port}: Address already in use\n"


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_command_refuses_what_is_not_a_port(port: str) -> None:
    with program(f"--port={port}") as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "--port" in errors
    assert "Traceback" not in errors
