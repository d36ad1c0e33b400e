from __future__ import annotations

import http.client

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    KEY,
    connect,
    control,
    exchange,
    get,
    get_account,
    get_page,
    ids,
)
from unipile_sandbox import (
    Fault,
    Payload,
    Request,
    Sandbox,
    UnknownAccountError,
    linkedin_account,
)


def test_update_puts_changes_where_unipile_keeps_them(sandbox: Sandbox, account: str) -> None:
    expected = sandbox.get(account)
    expected["name"] = "Mara F."
    expected["sources"] = []
    expected["connection_params"]["im"] |= {"premiumFeatures": ["premium"], "premiumId": "X"}
    changes = {"name": "Mara F.", "sources": [], "premiumFeatures": ["premium"], "premium_id": "X"}
    assert sandbox.update(account, **changes) == expected
    assert get_account(sandbox, account).json == expected


@pytest.mark.parametrize("changes", [{"id": "x"}, {"premiumFeature": []}, {"omit": ["id"]}])
def test_update_refuses_what_is_no_key(sandbox: Sandbox, account: str, changes: Payload) -> None:
    before = sandbox.get(account)
    with pytest.raises(ValueError, match="is not a key"):
        sandbox.update(account, name="New", **changes)
    assert sandbox.get(account) == before


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


def test_change_on_answer_is_too_late_for_it(sandbox: Sandbox, account: str) -> None:
    seen = []

    def rename(request: Request) -> None:
        seen.append(request.path)
        sandbox.update(account, name="New")

    sandbox.on_answer = rename
    names = [get_account(sandbox, account).json["name"] for _ in range(2)]
    assert names == ["Mara Feldkamp", "New"]
    assert seen == [f"{ACCOUNTS}/{account}"] * 2


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
