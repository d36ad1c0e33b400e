from __future__ import annotations

import pytest

from tests.unipile_sandbox.talking import ACCOUNTS, ask, control, get, get_account, messages
from unipile_sandbox import Fault, Sandbox, linkedin_account, samples
from unipile_sandbox.webhooks import EVENTS


def test_account_is_made_and_changed_with_curl(sandbox: Sandbox) -> None:
    few = {"id": "a/b", "name": "Ada", "premiumFeatures": ["premium"], "status": "CONNECTING"}
    whole = samples()[2]
    for body in (few, whole, {}):
        shown = control(sandbox, "POST", "/accounts", body).json()
        assert shown == sandbox.get(shown["id"])
    made = linkedin_account(
        "a/b", name="Ada", premium_features=["premium"], statuses=["CONNECTING"]
    )
    assert sandbox.get("a/b") == made
    assert sandbox.get(whole["id"]) == whole

    control(sandbox, "PATCH", "/accounts/a%2Fb", {"name": "New", "omit": ["premiumId"]})

    made["name"] = "New"
    del made["connection_params"]["im"]["premiumId"]
    assert get_account(sandbox, "a/b").json() == made


def test_faults_are_injected_and_cleared(sandbox: Sandbox, account: str) -> None:
    fault = {"status": 429, "headers": {"Retry-After": 7}, "account_id": account, "times": 1}
    assert control(sandbox, "POST", "/faults", fault).json()["fault_count"] == 1
    for body in ('{"object":', {"a": 1}, "\ud800"):
        control(sandbox, "POST", "/faults", {"body": body, "page": 1, "times": 1, "gzip": False})
    reply = get_account(sandbox, account)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert [get(sandbox, ACCOUNTS).content for _ in range(3)] == [b'{"object":', b'{"a":1}', b"?"]

    control(sandbox, "POST", "/faults", {"close": True})
    assert control(sandbox, "DELETE", "/faults").json()["fault_count"] == 0
    assert get_account(sandbox, account).status_code == 200


def test_life_of_an_account_is_played_with_curl(
    sandbox: Sandbox, account: str, receiver: Sandbox
) -> None:
    sandbox.add_webhook(receiver.url, events=list(EVENTS))
    path = f"/accounts/{account}"
    profile = control(sandbox, "PATCH", f"{path}/plan", {"premium": True}).json()
    assert profile["premium"] is True
    assert control(sandbox, "GET", f"{path}/plan").json() == profile
    shown = control(sandbox, "POST", f"{path}/log-out").json()
    assert shown["sources"][0]["status"] == "CREDENTIALS"
    control(sandbox, "POST", "/restart")
    sandbox.inject(Fault(status=500))
    assert control(sandbox, "GET", "").json() == {
        "account_count": 1,
        "request_count": 0,
        "fault_count": 1,
        "webhook_count": 1,
        "delivery_count": 3,
        "accounts": {account: "Mara Feldkamp"},
    }
    assert control(sandbox, "POST", f"{path}/delete").json()["account_count"] == 0
    sandbox.wait_for_deliveries()
    assert messages(receiver) == ["CREDENTIALS", "CONNECTING", "OK", "DELETED"]
    assert control(sandbox, "GET", "/deliveries").json()[0] == {
        "number": 1,
        "kind": "event",
        "message": "CREDENTIALS",
        "account_id": account,
        "url": receiver.url,
        "state": "delivered",
        "attempts": [200],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("PATCH", "/accounts/mara", b"\xff", 400, "The body is not JSON"),
        ("PATCH", "/accounts/nobody", b"{}", 404, "There is no account 'nobody'."),
        ("POST", "/accounts/mara/x", b"", 404, "/log-out"),
        ("POST", "/faults", b"{}", 400, "changes nothing"),
        ("POST", "/faults", b'{"status": "500"}', 400, "status must be of type int"),
    ],
)
def test_bad_input_is_answered_with_one_sentence(
    sandbox: Sandbox, account: str, method: str, path: str, body: bytes, status: int, message: str
) -> None:
    before = sandbox.state(), sandbox.accounts

    reply = ask(method, f"{sandbox.url}/sandbox{path}", data=body)

    assert (reply.status_code, message in reply.json()["detail"]) == (status, True)
    assert (sandbox.state(), sandbox.accounts) == before
