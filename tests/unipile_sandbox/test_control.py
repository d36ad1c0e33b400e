from __future__ import annotations

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    control,
    fill,
    get,
    get_account,
)
from unipile_sandbox import Fault, Sandbox, linkedin_account, samples
from unipile_sandbox.webhooks import EVENTS


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


def test_account_is_made_of_keys_or_a_payload(sandbox: Sandbox) -> None:
    few = {"id": "a", "name": "Ada", "premiumFeatures": ["premium"], "status": "CONNECTING"}
    whole = samples()[2]
    for body in (few, whole, {}):
        reply = control(sandbox, "POST", "/accounts", body)
        assert (reply.status, reply.json) == (200, sandbox.get(reply.json["id"]))
    made = linkedin_account("a", name="Ada", premium_features=["premium"], statuses=["CONNECTING"])
    assert sandbox.get("a") == made
    assert sandbox.get(whole["id"]) == whole


def test_faults_are_injected_and_cleared(sandbox: Sandbox, account: str) -> None:
    fault = {"status": 429, "headers": {"Retry-After": 7}, "account_id": account, "times": 1}
    assert control(sandbox, "POST", "/faults", fault).json["fault_count"] == 1
    for body in ('{"object":', {"a": 1}, "\ud800"):
        control(sandbox, "POST", "/faults", {"body": body, "page": 1, "times": 1, "gzip": False})
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
    assert control(sandbox, "GET", "").json == {
        "account_count": 1,
        "request_count": 1,
        "fault_count": 1,
        "webhook_count": 0,
        "delivery_count": 0,
        "accounts": {account: "Mara Feldkamp"},
    }
    fill(sandbox, 101)
    assert len(control(sandbox, "GET", "/").json["accounts"]) == 100
    assert control(sandbox, "POST", "/reset").json["account_count"] == 0


def test_life_of_an_account_is_played_with_curl(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    sandbox.add_webhook(receiver.url, events=list(EVENTS))
    path = f"/accounts/{account}"
    profile = control(sandbox, "PATCH", f"{path}/plan", {"premium": True}).json
    assert profile["premium"] is True
    assert control(sandbox, "GET", f"{path}/plan").json == profile
    shown = control(sandbox, "POST", f"{path}/log-out").json
    assert shown["sources"][0]["status"] == "CREDENTIALS"
    control(sandbox, "POST", "/restart")
    assert control(sandbox, "POST", f"{path}/delete").json["account_count"] == 0
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["CREDENTIALS", "CONNECTING", "OK", "DELETED"]
    assert control(sandbox, "GET", "/deliveries").json[0] == {
        "number": 1,
        "kind": "event",
        "message": "CREDENTIALS",
        "account_id": account,
        "url": receiver.url,
        "state": "delivered",
        "attempts": [200],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PATCH", "/accounts/mara", b"\xff", "The body is not JSON"),
        ("PATCH", "/accounts/mara", "[1]", "must be a JSON object"),
        ("PATCH", "/accounts/mara", '{"proxy": ' + "[" * 9999 + "]" * 9999 + "}", ""),
        ("PATCH", "/accounts/mara", '{"self": 1}', "'self' is not a key"),
        ("PATCH", "/accounts/mara/plan", '{"is_premium": true}', "not a key of users/me"),
        ("POST", "/accounts", '{"connection_params": 5}', "needs an id"),
        ("POST", "/faults", "{}", "changes nothing"),
        ("POST", "/faults", '{"status": "500"}', "status must be of type int"),
    ],
)
def test_bad_input_is_answered_with_one_sentence(
    sandbox: Sandbox,
    account: str,
    capfd: pytest.CaptureFixture[str],
    method: str,
    path: str,
    body: str | bytes,
    message: str,
) -> None:
    before = sandbox.state(), sandbox.profile(account)
    reply = get(sandbox, f"/sandbox{path}", method=method, key=None, body=body)
    assert (reply.status, message in reply.json.get("detail", "")) == (400, True)
    assert (sandbox.state(), sandbox.profile(account)) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/accounts/nobody"),
        ("POST", "/accounts/nobody/log-out"),
    ],
)
def test_control_of_an_unknown_account_says_so(sandbox: Sandbox, method: str, path: str) -> None:
    reply = control(sandbox, method, path, {"name": "New"})
    assert (reply.status, reply.json["detail"]) == (404, "There is no account 'nobody'.")


@pytest.mark.parametrize(("method", "path"), [("GET", "/x"), ("POST", "/accounts/mara/x")])
def test_unknown_control_route_names_the_others(sandbox: Sandbox, method: str, path: str) -> None:
    reply = control(sandbox, method, path)
    assert (reply.status, "/log-out" in reply.json["detail"]) == (404, True)
