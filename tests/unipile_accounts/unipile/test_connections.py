from __future__ import annotations

import threading

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.unipile.accounts import get_account, list_accounts
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
