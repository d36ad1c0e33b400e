from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.unipile_sandbox.talking import ask, error_of, get_page, messages, post
from unipile_sandbox import LinkError, Sandbox

LINK = "/api/v1/hosted/accounts/link"
DONE, FAILED = "http://127.0.0.1:9/done?a=b", "http://127.0.0.1:9/failed"


def expiry(seconds: float = 3600) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def link_body(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    body = {"type": "create", "api_url": sandbox.url, "expiresOn": expiry(), **fields}
    providers = {"providers": ["LINKEDIN"]} if body["type"] == "create" else {}
    return providers | body


def make_link(sandbox: Sandbox, **fields: Any) -> str:
    reply = post(sandbox, LINK, link_body(sandbox, **fields)).json()
    assert reply["object"] == "HostedAuthURL"
    return str(reply["url"])


def visit(url: str, action: str, **fields: str) -> requests.Response:
    return ask("POST", f"{url}/{action}", key=None, data=fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "connect"},
        {"expiresOn": "2026-12-01T10:00:00Z"},
        {"providers": ["GOOGLE"]},
        {"type": "reconnect", "reconnect_account": "nobody"},
    ],
)
def test_bad_link_is_refused(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    reply = post(sandbox, LINK, link_body(sandbox, **fields))

    assert error_of(reply) == (400, "invalid_parameters")


def test_login_of_a_new_person_makes_an_account(sandbox: Sandbox, receiver: Sandbox) -> None:
    url = make_link(
        sandbox,
        name="st_1",
        notify_url=f"{receiver.url}/hook",
        success_redirect_url=DONE,
        bypass_success_screen=True,
    )

    reply = visit(url, "log-in", person="new", name="Ada Sample")

    assert (reply.status_code, reply.headers["Location"]) == (303, DONE)
    [account] = get_page(sandbox)["items"]
    assert len(account["id"]) == 22
    assert (account["name"], account["sources"][0]["status"]) == ("Ada Sample", "OK")
    assert len(account["connection_params"]["im"]["id"]) == 39
    sandbox.wait_for_deliveries()
    [heard] = receiver.requests
    assert heard.json == {"status": "CREATION_SUCCESS", "account_id": account["id"], "name": "st_1"}
    assert "content-type" not in heard.headers


def test_reconnect_is_for_the_same_member(
    sandbox: Sandbox, account: str, receiver: Sandbox
) -> None:
    sandbox.log_out(account)
    before = sandbox.accounts
    fields = {"type": "reconnect", "reconnect_account": account, "name": "st_2"}
    url = make_link(sandbox, **fields, notify_url=receiver.url)

    reply = visit(url, "log-in", person="new", name="Ada Sample")

    assert (reply.status_code, b"errors/wrong_account" in reply.content) == (401, True)
    assert (sandbox.accounts, sandbox.deliveries) == (before, [])
    assert visit(url, "log-in").status_code == 200
    [only] = get_page(sandbox)["items"]
    assert (only["id"], only["sources"][0]["status"]) == (account, "OK")
    sandbox.wait_for_deliveries()
    assert messages(receiver) == ["RECONNECTED of st_2"]


def test_link_is_used_once_and_in_time(sandbox: Sandbox) -> None:
    used, dead = make_link(sandbox), make_link(sandbox)
    late = make_link(sandbox, expiresOn=expiry(-1))
    sandbox.log_in(used, name="Ada Sample")
    sandbox.restart()

    for url in (used, dead, late):
        reply = visit(url, "log-in", person="new")
        assert (reply.status_code, b"errors/expired_link" in reply.content) == (401, True)
        with pytest.raises(LinkError, match="expired_link"):
            sandbox.log_in(url, name="Ada Sample")
    assert get_page(sandbox)["total_count"] == 1


def test_failed_login_goes_back_and_tells_nobody(sandbox: Sandbox, receiver: Sandbox) -> None:
    url = make_link(sandbox, notify_url=receiver.url, failure_redirect_url=FAILED)

    assert visit(url, "fail").headers["Location"] == FAILED
    assert visit(url, "close").status_code == 200
    assert sandbox.deliveries == []
    assert visit(url, "log-in", person="new").status_code == 200


@pytest.mark.parametrize(("features", "product"), [([], ""), (["sales_navigator"], "/classic")])
@pytest.mark.parametrize("first", ["notice", "event"])
def test_either_message_of_a_login_can_come_first(
    sandbox: Sandbox, receiver: Sandbox, first: str, features: list[str], product: str
) -> None:
    sandbox.add_webhook(receiver.url, events=["creation_success", "ok", "sync_success"])
    sandbox.delivery.first = first
    url = make_link(sandbox, name="st_1", notify_url=receiver.url)

    sandbox.log_in(url, name="Ada Sample", premium_features=features)
    sandbox.wait_for_deliveries()

    order = ["CREATION_SUCCESS of st_1", "CREATION_SUCCESS"][:: 1 if first == "notice" else -1]
    # A paid product has a sync of its own.
    synced = [f"SYNC_SUCCESS{product}", *(f"SYNC_SUCCESS/{name}" for name in features)]
    assert messages(receiver) == [*order, "OK", *synced]
