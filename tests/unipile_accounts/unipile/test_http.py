from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from traceback import format_exception

import pytest

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import (
    UnipileRateLimited,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile.accounts import get_account
from unipile_accounts.unipile.http import MAX_ANSWER_BYTES, begin
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_key_is_in_the_header_and_nowhere_else(account: str, sandbox: Sandbox) -> None:
    get_account(account)

    [request] = sandbox.requests
    assert request.method == "GET"
    assert request.headers["x-api-key"] == sandbox.api_key
    assert request.headers["accept"] == "application/json"
    assert sandbox.api_key not in request.path
    assert {"authorization", "cookie"}.isdisjoint(request.headers)


def test_key_is_in_no_log_and_no_error(
    account: str, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    get_account(account)
    sandbox.inject(Fault(reset=True))

    with pytest.raises(UnipileUnavailable) as caught:
        get_account(account)

    assert caplog.records
    assert sandbox.api_key not in caplog.text + "".join(format_exception(caught.value))


def test_post_carries_json_and_takes_a_new_connection(account: str, sandbox: Sandbox) -> None:
    get_account(account)
    sandbox.inject(Fault(status=201, body=b'{"object": "Made"}'))

    body = {"name": "\u00e4"}
    answer = begin("POST", "/things", about="things", query={"a": "b c"}, json=body).wait()

    assert answer == {"object": "Made"}
    first, second = sandbox.requests
    assert (second.method, second.path) == ("POST", "/api/v1/things?a=b+c")
    assert second.headers["content-type"] == "application/json"
    assert json.loads(second.body) == body
    assert second.connection != first.connection


def test_redirect_is_not_followed_with_the_key(account: str, sandbox: Sandbox) -> None:
    with Sandbox([linkedin_account(ID)], api_key=sandbox.api_key) as elsewhere:
        headers = {"Location": f"{elsewhere.url}/api/v1/accounts/{ID}"}
        sandbox.inject(Fault(status=302, headers=headers))

        with pytest.raises(UnipileUnexpectedAnswer, match="302"):
            get_account(account)

        assert elsewhere.request_count == 0
    assert sandbox.request_count == 1


def test_cookies_are_not_kept(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(headers={"Set-Cookie": "sid=1; Path=/"}))
    get_account(account)
    get_account(account)

    assert "cookie" not in sandbox.requests[1].headers


def test_logins_of_a_netrc_file_are_not_sent(
    account: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    get_account(account)

    assert "authorization" not in sandbox.requests[0].headers


@pytest.mark.parametrize(
    "fault",
    [
        Fault(padding=2**40),
        Fault(padding=30_000_000, gzip=True),
        # A redirect's body is not read before the redirect is followed.
        Fault(status=302, padding=2**40, headers={"Location": "http://127.0.0.1:1/"}),
    ],
)
def test_answer_is_read_only_to_the_cap(account: str, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject(fault)
    tracemalloc.start()
    try:
        with pytest.raises(UnipileUnexpectedAnswer, match="too large"):
            get_account(account)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 5 * MAX_ANSWER_BYTES


def test_large_answer_below_the_cap_is_read(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(padding=MAX_ANSWER_BYTES - 100_000))

    assert get_account(account)["id"] == account


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 1), ("99999999", 3600), ("Fri, 31 Dec 9999 23:59:59 GMT", None)],
)
def test_retry_after_is_read_in_seconds(
    account: str, sandbox: Sandbox, header: str, seconds: int | None
) -> None:
    sandbox.inject(Fault(status=429, headers={"Retry-After": header}))

    with pytest.raises(UnipileRateLimited) as caught:
        get_account(account)

    assert caught.value.retry_after == seconds
