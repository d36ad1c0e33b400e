from __future__ import annotations

import base64
import gc
import json
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileLoginLost,
    UnipileRateLimited,
    UnipileTimeout,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile import http as client
from unipile_sandbox import Fault, Sandbox, linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"

# Of localhost, made for these tests, valid until 2126.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPnPvgBK++L+zdo9R
FqbhKdOEy4mwLh3jxuVbfwy3tQ+hRANCAATIJlg4pHDUMMCvsrY+351PiKEKN59D
lKR5eRNfcS85RmZdvky7TOPJCZDSokvDdFggRwO3IZstOndF04ukt4Rc
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUAqGzNIeFVDdOni1lXQ2H+hmrKIEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA3MzIxN1oYDzIxMjYxMDMw
MDczMjE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATIJlg4pHDUMMCvsrY+351PiKEKN59DlKR5eRNfcS85RmZdvky7TOPJ
CZDSokvDdFggRwO3IZstOndF04ukt4Rco28wbTAdBgNVHQ4EFgQUaHSErG5EZTIe
n0q73Fohs1ziW+wwHwYDVR0jBBgwFoAUaHSErG5EZTIen0q73Fohs1ziW+wwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgeR2+E1Xb/+Go684d0f190mipXqxzhPQh+3Dd6bBGvgYCIQDk
OFjhbKOJz/F4iRtyJ7aowXSF0jNBhlrZLDqkV5TB1g==
-----END CERTIFICATE-----
"""


@pytest.fixture
def account(sandbox: Sandbox) -> str:
    return sandbox.add(linkedin_account(ID))


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# --- What is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("http://127.0.0.1:{}", ""),
        ("http://127.0.0.1:{}/", ""),
        ("HTTP://127.0.0.1:{}", ""),
        ("http://localhost:{}", ""),
        ("http://127.0.0.1:{}?port=13843", "?port=13843"),
        ("http://127.0.0.1:{}/?port=13843", "?port=13843"),
    ],
)
def test_dsn_over_http_leads_to_the_account(
    account: str, sandbox: Sandbox, settings: Settings, form: str, query: str
) -> None:
    settings.UNIPILE_DSN = form.format(sandbox.port)

    assert client.get_account(account) == sandbox.get(account)
    assert sandbox.requests[0].path == f"/api/v1/accounts/{ID}{query}"


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("localhost:{}", ""),
        ("localhost:{}/", ""),
        ("https://localhost:{}", ""),
        ("https://127.0.0.1:{}/", ""),
        ("https://localhost:{}?port=13843", "?port=13843"),
        ("localhost:{}/?port=13843", "?port=13843"),
    ],
)
def test_dsn_without_http_leads_to_the_account_over_tls(
    tls_sandbox: Sandbox, settings: Settings, form: str, query: str
) -> None:
    settings.UNIPILE_DSN = form.format(tls_sandbox.port)

    assert client.get_account(ID) == tls_sandbox.get(ID)
    assert client.get_account(ID) == tls_sandbox.get(ID)
    assert {request.path for request in tls_sandbox.requests} == {f"/api/v1/accounts/{ID}{query}"}
    assert len({request.connection for request in tls_sandbox.requests}) == 1


def test_certificate_that_is_not_trusted_gets_no_request(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(UnipileUnavailable, match="SSLError"):
        client.get_account(ID)

    assert tls_sandbox.request_count == 0


@pytest.fixture
def tls_sandbox(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Sandbox]:
    bundle = tmp_path / "localhost.pem"
    bundle.write_text(CERTIFICATE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Sandbox([linkedin_account(ID)]) as sandbox:
        server = sandbox._server
        assert server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        settings.UNIPILE_API_KEY = sandbox.api_key
        yield sandbox


def test_request_carries_the_key_in_its_header_and_nowhere_else(
    account: str, sandbox: Sandbox
) -> None:
    client.get_account(account)

    [request] = sandbox.requests
    assert request.method == "GET"
    assert request.headers["x-api-key"] == sandbox.api_key
    assert request.headers["accept"] == "application/json"
    assert sandbox.api_key not in request.path
    assert {"authorization", "cookie"}.isdisjoint(request.headers)


@pytest.mark.parametrize(
    "account_id",
    ["-Qe7TzH2R0uJm5nXc8VwPg", "a/b", "../a", "a?limit=1", "a#b", "a%2Fb", "a b", "ä", "a&b;c"],
)
def test_ids_are_percent_encoded(sandbox: Sandbox, account_id: str) -> None:
    sandbox.add(linkedin_account(account_id))

    assert client.get_account(account_id)["id"] == account_id
    assert sandbox.requests[0].path.count("/") == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed_and_the_key_not_sent_on(
    account: str, sandbox: Sandbox, status: int
) -> None:
    with Sandbox([linkedin_account(ID)], api_key=sandbox.api_key) as elsewhere:
        headers = {"Location": f"{elsewhere.url}/api/v1/accounts/{ID}"}
        sandbox.inject(Fault(status=status, headers=headers))

        with pytest.raises(UnipileUnexpectedAnswer, match=str(status)):
            client.get_account(account)

        assert elsewhere.request_count == 0
    assert sandbox.request_count == 1


def test_cookies_are_not_kept(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(headers={"Set-Cookie": "sid=1; Path=/"}))
    client.get_account(account)
    client.get_account(account)

    assert "cookie" not in sandbox.requests[1].headers


def test_logins_of_a_netrc_file_are_not_sent(
    account: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    client.get_account(account)

    assert "authorization" not in sandbox.requests[0].headers


# --- Connections ----------------------------------------------------------------------------------


def test_one_connection_serves_many_requests_also_after_errors(
    account: str, sandbox: Sandbox
) -> None:
    client.get_account(account)
    for status in (404, 429, 500, 503, 302):
        sandbox.inject(Fault(status=status), times=1)
        with pytest.raises(UnipileError):
            client.get_account(account)
    for framing in ("chunked", "length"):
        sandbox.inject(Fault(framing=framing, padding=1), times=1)
        client.get_account(account)
    client.list_accounts()

    assert {request.connection for request in sandbox.requests} == {sandbox.requests[0].connection}


def test_connection_that_the_server_closed_while_it_was_idle_is_survived(
    settings: Settings,
) -> None:
    with Sandbox([linkedin_account(ID)]) as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, sandbox.api_key
        client.get_account(ID)
        sandbox.stop()
        sandbox.start()

        assert client.get_account(ID)["id"] == ID
        assert sandbox.request_count == 2


def test_answer_that_ends_the_connection_is_followed_by_a_new_one(
    account: str, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(framing="close"), times=1)

    assert client.get_account(account) == client.get_account(account)
    assert len({request.connection for request in sandbox.requests}) == 2


def test_threads_share_the_open_connections(account: str, sandbox: Sandbox) -> None:
    def read() -> None:
        for _ in range(5):
            client.get_account(account)

    client.get_account(account)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sandbox.request_count == 41
    assert len({request.connection for request in sandbox.requests}) <= 8


# --- One deadline for the whole answer ------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=60),
        Fault(drip_headers=0.05),
        Fault(drip_body=0.05),
        Fault(drip_body=0.05, framing="chunked"),
        Fault(drip_body=0.05, framing="close"),
        Fault(drip_body=0.05, gzip=True),
        Fault(drip_headers=0.05, status=500),
        Fault(drip_body=0.05, status=404),
    ],
)
def test_deadline_is_for_the_whole_answer(account: str, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject(fault)

    with no_longer_than(2), pytest.raises(UnipileTimeout, match=ID):
        client.get_account(account, timeout=0.3)
    with no_longer_than(2), pytest.raises(UnipileTimeout):
        client.list_accounts(timeout=0.3)


def test_last_pause_before_the_deadline_is_cut_short(account: str, sandbox: Sandbox) -> None:
    # Bytes come at 0, 0.9 and 1.8 seconds.
    sandbox.inject(Fault(drip_body=0.9))

    with no_longer_than(1.5), pytest.raises(UnipileTimeout):
        client.get_account(account, timeout=1)


def test_deadline_holds_over_tls(tls_sandbox: Sandbox, settings: Settings) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    client.get_account(ID)
    tls_sandbox.inject(Fault(drip_body=0.05))

    with no_longer_than(2), pytest.raises(UnipileTimeout):
        client.get_account(ID, timeout=0.3)


def test_deadline_is_that_of_the_settings_when_none_is_given(
    account: str, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_TIMEOUT = "0.2"
    sandbox.inject(Fault(delay=60))

    with no_longer_than(2), pytest.raises(UnipileTimeout):
        client.get_account(account)


def test_new_deadline_begins_with_each_request(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(delay=0.2))

    for _ in range(3):
        assert client.get_account(account, timeout=0.5)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_server_that_accepts_and_says_nothing_is_a_timeout(settings: Settings, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.UNIPILE_DSN = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        settings.UNIPILE_API_KEY = "key"

        with no_longer_than(2), pytest.raises(UnipileTimeout):
            client.get_account(ID, timeout=0.3)


def test_connection_that_is_not_made_in_time_is_given_up(settings: Settings) -> None:
    settings.UNIPILE_CONNECT_TIMEOUT = "0.2"
    with full_server() as port:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = f"http://127.0.0.1:{port}", "key"

        with no_longer_than(2), pytest.raises(UnipileTimeout):
            client.get_account(ID)


def test_addresses_of_a_host_share_the_time_to_connect(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_CONNECT_TIMEOUT = "0.5"
    resolve = socket.getaddrinfo
    with full_server() as port:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = f"http://localhost:{port}", "key"
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *_, **__: resolve("127.0.0.1", port, type=1) * 8
        )

        with no_longer_than(2), pytest.raises(UnipileTimeout):
            client.get_account(ID)


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


# --- Answers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault(padding=client.MAX_ANSWER_BYTES),
        Fault(padding=2**40),
        Fault(padding=2**40, framing="chunked"),
        Fault(padding=2**40, framing="close"),
        Fault(padding=100_000_000, gzip=True),
        Fault(status=500, padding=2**40),
    ],
)
def test_answer_of_any_size_is_read_only_to_the_cap(
    account: str, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.inject(fault)
    tracemalloc.start()
    try:
        with pytest.raises(UnipileUnexpectedAnswer, match="too large"):
            client.get_account(account)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 5 * client.MAX_ANSWER_BYTES


def test_large_answer_below_the_cap_is_read(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(padding=client.MAX_ANSWER_BYTES - 100_000))

    assert client.get_account(account)["id"] == account


def test_compressed_answer_is_read(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(gzip=True))

    assert client.get_account(account) == sandbox.get(account)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(close=True), UnipileUnavailable),
        (Fault(cut=0), UnipileUnavailable),
        (Fault(cut=10), UnipileUnavailable),
        (Fault(cut=10, framing="chunked"), UnipileUnavailable),
        (Fault(cut=10, framing="close"), UnipileUnexpectedAnswer),
        (Fault(cut=10, gzip=True), UnipileUnavailable),
        (Fault(headers={"Content-Length": "5"}), UnipileUnexpectedAnswer),
        (Fault(headers={"Content-Encoding": "gzip"}), UnipileUnexpectedAnswer),
        (Fault(headers={"Content-Encoding": "deflate"}), UnipileUnexpectedAnswer),
        (Fault(headers={"Content-Encoding": "gzip, " * 50}), UnipileUnexpectedAnswer),
        (Fault(headers={"X": "x" * 70_000}), UnipileUnavailable),
        (Fault(headers={f"X-{number}": "x" for number in range(200)}), UnipileUnavailable),
        (Fault(body=b""), UnipileUnexpectedAnswer),
        (Fault(body=b"<html>"), UnipileUnexpectedAnswer),
        (Fault(body=b'{"id":'), UnipileUnexpectedAnswer),
        (Fault(body=b"\xff\xff"), UnipileUnexpectedAnswer),
        (Fault(body=b"[" * 500_000), UnipileUnexpectedAnswer),
        (Fault(body=b"9" * 5_000), UnipileUnexpectedAnswer),
        (Fault(status=206), UnipileUnexpectedAnswer),
    ],
)
def test_broken_answer_is_one_of_our_errors(
    account: str, sandbox: Sandbox, fault: Fault, error: type[UnipileError]
) -> None:
    sandbox.inject(fault)

    with pytest.raises(error) as caught:
        client.get_account(account, timeout=5)

    assert type(caught.value) is error
    assert caught.value.account_status is None


# urllib3 leaves this connection to the garbage collector, which warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_answer_of_two_lengths_is_one_of_our_errors(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(headers={"Content-Length": "5, 6"}))

    with pytest.raises(UnipileUnavailable):
        client.get_account(account)
    gc.collect()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe; charset=rot13\r\n\r\n{",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5,
    ],
)
def test_server_that_is_not_unipile_is_one_of_our_errors(
    serve: Callable[[bytes], None], answer: bytes
) -> None:
    serve(answer)

    with no_longer_than(5), pytest.raises(UnipileError) as caught:
        client.get_account(ID, timeout=3)

    assert type(caught.value) in (UnipileUnavailable, UnipileUnexpectedAnswer)


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[bytes], None]]:
    """Answer one request with these bytes."""
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        settings.UNIPILE_DSN = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.UNIPILE_API_KEY = "key"

        def respond() -> None:
            with server, server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        threads.append(threading.Thread(target=respond))
        threads[0].start()

    yield start
    for thread in threads:
        thread.join()


def test_nobody_listening_is_unavailable(settings: Settings) -> None:
    with Sandbox() as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, "key"

    with pytest.raises(UnipileUnavailable, match=ID):
        client.get_account(ID)


def test_host_without_an_address_is_unavailable(settings: Settings) -> None:
    settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "no-such-host.invalid:13843", "key"

    with pytest.raises((UnipileUnavailable, UnipileTimeout)):
        client.get_account(ID, timeout=3)


# --- Status and type -> error ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error_type", "error", "retryable"),
    [
        (400, None, UnipileAPIError, False),
        (401, None, UnipileAuthenticationError, False),
        (401, "errors/expired_credentials", UnipileLoginLost, False),
        (401, "errors/disconnected_account", UnipileLoginLost, False),
        (401, "errors/checkpoint_error", UnipileLoginLost, False),
        (401, "errors/insufficient_privileges", UnipileAuthenticationError, False),
        (401, "errors/of_next_year", UnipileAuthenticationError, False),
        (403, None, UnipileAuthenticationError, False),
        (403, "errors/disconnected_account", UnipileAuthenticationError, False),
        (404, "errors/resource_not_found", UnipileAccountNotFound, False),
        (404, "errors/invalid_resource_identifier", UnipileAPIError, False),
        (408, None, UnipileAPIError, True),
        (422, None, UnipileAPIError, False),
        (429, None, UnipileRateLimited, True),
        (500, None, UnipileAPIError, True),
        (501, None, UnipileAPIError, True),
        (502, None, UnipileAPIError, True),
        (503, None, UnipileUnavailable, True),
        (503, "errors/no_client_session", UnipileUnavailable, True),
        (504, None, UnipileAPIError, True),
        (302, None, UnipileUnexpectedAnswer, False),
        (204, None, UnipileUnexpectedAnswer, False),
    ],
)
def test_status_and_type_name_the_error(
    account: str,
    sandbox: Sandbox,
    status: int,
    error_type: str | None,
    error: type[UnipileError],
    retryable: bool,
) -> None:
    sandbox.inject(Fault(status=status, error_type=error_type))

    with pytest.raises(UnipileError) as caught:
        client.get_account(account)

    assert type(caught.value) is error
    assert caught.value.retryable is retryable
    assert str(status) in str(caught.value)
    assert ID in str(caught.value)
    if isinstance(caught.value, UnipileAPIError):
        assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        ({"type": "errors/provider_error"}, "errors/provider_error"),
        ({"type": "errors/Provider"}, ""),
        ({"type": "errors/provider_error\n"}, ""),
        ({"type": "errors/" + "x" * 100}, ""),
        ({"type": "https://example.com/errors/provider_error"}, ""),
        ({"type": "not for the log"}, ""),
        ({"type": ["errors/provider_error"]}, ""),
        ({"type": None}, ""),
        ({}, ""),
        ([], ""),
        ("errors/provider_error", ""),
    ],
)
def test_only_a_type_that_looks_like_unipiles_is_repeated(
    account: str, sandbox: Sandbox, body: Any, error_type: str
) -> None:
    sandbox.inject(Fault(status=500, body=json.dumps(body).encode()))

    with pytest.raises(UnipileAPIError) as caught:
        client.get_account(account)

    assert caught.value.error_type == error_type
    assert str(caught.value) == f"Unipile answered {f'500 {error_type}'.strip()} for account {ID}."


def http_date(**delta: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**delta), usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", {7}),
        (" 7 ", {7}),
        ("0", {1}),
        ("-5", {None, 1}),
        ("3600", {3600}),
        ("99999999", {3600}),
        ("9" * 500, {3600, None}),
        ("9" * 5000, {3600, None}),
        ("Fri, 02 Jan 2026 00:00:00 GMT", {1}),
        ("Mon, 17 Jul 2051 00:00:00 GMT", {3600}),
        ("Fri, 31 Dec 9999 23:59:59 GMT", {3600}),
        ("Thu, 01 Jan 0000 00:00:00 GMT", {None, 1}),
        ("soon", {None}),
        ("1.5", {None}),
        ("7, 8", {None}),
        ("\u00b2", {None}),
        ("", {None}),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_all_its_forms(
    account: str, sandbox: Sandbox, status: int, header: str, seconds: set[int | None]
) -> None:
    sandbox.inject(Fault(status=status, headers={"Retry-After": header}))

    with pytest.raises(UnipileError) as caught:
        client.get_account(account)

    assert caught.value.retry_after in seconds


def test_date_of_retry_after_is_counted_from_now(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=429, headers={"Retry-After": http_date(seconds=90)}))

    with pytest.raises(UnipileRateLimited) as caught:
        client.get_account(account)

    assert caught.value.retry_after in range(80, 91)


# --- Pages of the list ----------------------------------------------------------------------------


def test_list_is_read_page_by_page_until_there_is_no_cursor(sandbox: Sandbox) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(251))

    first = client.list_accounts()
    second = client.list_accounts(cursor=first.cursor)

    assert (len(first.items), len(second.items), second.cursor) == (250, 1, None)
    assert sandbox.requests[0].path == "/api/v1/accounts?limit=250"


def test_cursor_is_percent_encoded_next_to_the_port_of_the_dsn(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_DSN = f"{sandbox.url}?port=13843"
    cursor = base64.b64encode(b"\xfb\xff&limit=1").decode()

    with pytest.raises(UnipileAPIError):
        client.list_accounts(cursor=cursor)

    path = sandbox.requests[0].path
    assert path == "/api/v1/accounts?limit=250&cursor=%2B%2F8mbGltaXQ9MQ%3D%3D&port=13843"


@pytest.mark.parametrize("cursor", [{}, {"cursor": None}, {"cursor": ""}])
def test_absent_null_or_empty_cursor_is_the_end(sandbox: Sandbox, cursor: dict[str, Any]) -> None:
    body = {"object": "AccountList", "items": [1], "brand_new": True, **cursor}
    sandbox.inject(Fault(body=json.dumps(body).encode()))

    assert client.list_accounts() == ([1], None)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        "AccountList",
        {"object": "AccountList"},
        {"object": "AccountList", "items": None},
        {"object": "AccountList", "items": {}},
        {"object": "Account", "items": []},
        {"items": []},
        {"object": "AccountList", "items": [], "cursor": 5},
        {"object": "AccountList", "items": [], "cursor": ["next"]},
        {"object": "AccountList", "items": [], "cursor": "where-we-are"},
    ],
)
def test_list_that_is_none_or_leads_in_a_circle_is_unexpected(sandbox: Sandbox, body: Any) -> None:
    sandbox.inject(Fault(status=200, body=json.dumps(body).encode()))

    with pytest.raises(UnipileUnexpectedAnswer, match="list of accounts"):
        client.list_accounts(cursor="where-we-are")


@pytest.mark.parametrize("status", [401, 404])
def test_error_of_the_list_says_nothing_about_an_account(sandbox: Sandbox, status: int) -> None:
    error_type = "errors/expired_credentials" if status == 401 else "errors/resource_not_found"
    sandbox.inject(Fault(status=status, error_type=error_type))

    with pytest.raises(UnipileAPIError) as caught:
        client.list_accounts()

    assert caught.value.account_status is None
