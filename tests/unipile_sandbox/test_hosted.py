from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import Reply, get, get_page, post
from unipile_sandbox import LinkError, Sandbox, linkedin_account

LINK = "/api/v1/hosted/accounts/link"


def expiry(**ahead: float) -> str:
    moment = datetime.now(UTC) + timedelta(**ahead or {"hours": 1})
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def link_body(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    """A whole body; a value of None leaves its key out."""
    body = {
        "type": "create",
        "providers": ["LINKEDIN"],
        "api_url": sandbox.url,
        "expiresOn": expiry(),
        **fields,
    }
    if body["type"] == "reconnect":
        body["providers"] = None
    return {key: value for key, value in body.items() if value is not None}


def make_link(sandbox: Sandbox, **fields: Any) -> str:
    reply = post(sandbox, LINK, link_body(sandbox, **fields))
    assert (reply.status, reply.json["object"]) == (200, "HostedAuthURL")
    url = str(reply.json["url"])
    assert url.startswith(f"{sandbox.url}/hosted/")
    return url


def visit(sandbox: Sandbox, url: str, action: str = "", **fields: str) -> Reply:
    path = urlsplit(url).path
    if not action:
        return get(sandbox, path, key=None)
    return get(sandbox, f"{path}/{action}", method="POST", key=None, body=urlencode(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "connect"},
        {"api_url": "api1.unipile.com:13111"},
        {"expiresOn": "2026-12-01T10:00:00Z"},
        {"expiresOn": "2026-13-01T10:00:00.123Z"},
        {"providers": ["GOOGLE"]},
        {"name": ""},
        {"type": "reconnect", "reconnect_account": "nobody"},
    ],
)
def test_bad_link_is_refused(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    reply = post(sandbox, LINK, link_body(sandbox, **fields))
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")


def test_page_offers_everybody_and_three_ways_on(sandbox: Sandbox, account: str) -> None:
    sandbox.add(linkedin_account("gone", name="<Gone> & Co"))
    sandbox.remove("gone")
    reply = visit(sandbox, make_link(sandbox))
    text = reply.body.decode()
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Mara Feldkamp <small>connected as mara</small>" in text
    assert "&lt;Gone&gt; &amp; Co" in text
    assert "Hanne Vestermark" in text
    for button in ("Log in", "Fail", "Close"):
        assert f">{button}</button>" in text


def test_login_of_a_new_person_makes_an_account(sandbox: Sandbox, receiver: Receiver) -> None:
    url = make_link(
        sandbox,
        name="st_1",
        notify_url=f"{receiver.url}/hook",
        success_redirect_url="http://127.0.0.1:9/done?a=b",
        bypass_success_screen=True,
    )
    reply = visit(sandbox, url, "log-in", person="new", name="Ada Sample")
    assert (reply.status, reply.headers["Location"]) == (303, "http://127.0.0.1:9/done?a=b")
    [account] = get_page(sandbox)["items"]
    assert len(account["id"]) == 22
    assert (account["name"], account["sources"][0]["status"]) == ("Ada Sample", "OK")
    assert len(account["connection_params"]["im"]["id"]) == 39
    sandbox.wait_for_deliveries()
    [heard] = receiver.heard
    assert heard.json == {"status": "CREATION_SUCCESS", "account_id": account["id"], "name": "st_1"}
    assert "Content-Type" not in heard.headers


def test_same_member_gets_a_new_account(sandbox: Sandbox, account: str) -> None:
    member_id = sandbox.member_id(account)
    visit(sandbox, make_link(sandbox), "log-in", person=member_id)
    created = get_page(sandbox)["items"][1]["id"]
    assert created != account
    assert sandbox.member_id(created) == member_id
    sandbox.delete(account)
    sandbox.delete(created)
    again = sandbox.log_in(make_link(sandbox), member_id=member_id)
    assert sandbox.member_id(again) == member_id
    assert again not in (account, created)
    assert sandbox.get(again)["name"] == "Mara Feldkamp"


def test_reconnect_makes_the_same_account_ok_again(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    sandbox.log_out(account)
    url = make_link(
        sandbox, type="reconnect", reconnect_account=account, name="st_2", notify_url=receiver.url
    )
    assert visit(sandbox, url, "log-in").status == 200
    [only] = get_page(sandbox)["items"]
    assert (only["id"], only["sources"][0]["status"]) == (account, "OK")
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["RECONNECTED of st_2"]


def test_reconnect_as_somebody_else_is_the_wrong_account(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    sandbox.log_out(account)
    before = sandbox.get(account)
    url = make_link(sandbox, type="reconnect", reconnect_account=account, notify_url=receiver.url)
    reply = visit(sandbox, url, "log-in", person="new", name="Ada Sample")
    assert (reply.status, b"errors/wrong_account" in reply.body) == (401, True)
    with pytest.raises(LinkError, match="wrong_account"):
        sandbox.log_in(url, name="Ada Sample")
    assert sandbox.get(account) == before
    assert sandbox.deliveries == []
    assert sandbox.log_in(url) == account


def test_login_takes_linkedins_plan_over_into_the_copy(sandbox: Sandbox, account: str) -> None:
    sandbox.set_plan(account, premium=True, sales_navigator=True)
    sandbox.log_in(make_link(sandbox, type="reconnect", reconnect_account=account))
    im = sandbox.get(account)["connection_params"]["im"]
    assert im["premiumFeatures"] == ["premium", "sales_navigator"]
    assert im["premiumId"].startswith("ACwAA")
    sandbox.set_plan(account, premium=False, sales_navigator="DISCONNECTED")
    sandbox.log_in(make_link(sandbox, type="reconnect", reconnect_account=account))
    assert sandbox.get(account)["connection_params"]["im"]["premiumFeatures"] == ["sales_navigator"]


def test_link_can_be_used_once(sandbox: Sandbox) -> None:
    url = make_link(sandbox)
    sandbox.log_in(url, name="Ada Sample")
    for reply in (visit(sandbox, url), visit(sandbox, url, "log-in", person="new")):
        assert (reply.status, b"errors/expired_link" in reply.body) == (401, True)
    assert get_page(sandbox)["total_count"] == 1


def test_expired_link_is_shown_as_such(sandbox: Sandbox) -> None:
    late, dead = make_link(sandbox, expiresOn=expiry(seconds=-1)), make_link(sandbox)
    sandbox.restart()
    for url in (late, dead, f"{sandbox.url}/hosted/unknown"):
        assert visit(sandbox, url).status == 401
        with pytest.raises(LinkError, match="expired_link"):
            sandbox.log_in(url, name="Ada Sample")
    assert get_page(sandbox)["items"] == []


def test_failed_login_goes_back_and_tells_nobody(sandbox: Sandbox, receiver: Receiver) -> None:
    url = make_link(
        sandbox, notify_url=receiver.url, failure_redirect_url="http://127.0.0.1:9/failed"
    )
    assert visit(sandbox, url, "fail").headers["Location"] == "http://127.0.0.1:9/failed"
    assert visit(sandbox, url, "close").status == 200
    assert visit(sandbox, make_link(sandbox), "fail").status == 401
    assert sandbox.deliveries == []
    assert visit(sandbox, url, "log-in", person="new").status == 200


@pytest.mark.parametrize("first", ["notice", "event"])
def test_either_message_of_a_login_can_come_first(
    sandbox: Sandbox, receiver: Receiver, first: str
) -> None:
    sandbox.add_webhook(receiver.url, events=["creation_success", "ok", "sync_success"])
    sandbox.delivery.first = first
    sandbox.log_in(make_link(sandbox, name="st_1", notify_url=receiver.url), name="Ada Sample")
    sandbox.wait_for_deliveries()
    messages = ["CREATION_SUCCESS of st_1", "CREATION_SUCCESS"]
    assert receiver.messages == [
        *(messages if first == "notice" else reversed(messages)),
        "OK",
        "SYNC_SUCCESS",
    ]
