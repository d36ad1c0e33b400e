from __future__ import annotations

import json

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    BAD_FAULTS,
    connect,
    control,
    exchange,
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
        "webhook_count": 0,
        "delivery_count": 0,
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
        "webhook_count": 0,
        "delivery_count": 0,
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


# What happens to accounts


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
    control(sandbox, "POST", f"{path}/events", {"message": "ERROR"})
    control(sandbox, "POST", f"{path}/events", {"message": "SYNC_SUCCESS", "product": "classic"})
    control(sandbox, "POST", "/restart")
    control(sandbox, "POST", "/notices", {"url": receiver.url, "account_id": account, "name": "n"})
    assert control(sandbox, "POST", f"{path}/delete").json["account_count"] == 0
    sandbox.wait_for_deliveries()
    assert receiver.messages == [
        "CREDENTIALS",
        "ERROR",
        "SYNC_SUCCESS/classic",
        "CONNECTING",
        "OK",
        "CREATION_SUCCESS of n",
        "DELETED",
    ]


def test_deliveries_are_shown_held_released_and_repeated(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    control(sandbox, "PATCH", "/deliveries", {"retry_delays": [3600], "copies": 1, "timeout": 5})
    control(sandbox, "POST", "/deliveries/hold")
    control(sandbox, "POST", "/notices", {"url": receiver.url, "account_id": "mara"})
    [held] = control(sandbox, "GET", "/deliveries").json
    assert held == {
        "number": 1,
        "kind": "notice",
        "message": "CREATION_SUCCESS",
        "account_id": "mara",
        "url": receiver.url,
        "state": "held",
        "status": None,
        "attempts": [],
    }
    receiver.statuses.append(503)
    control(sandbox, "POST", "/deliveries/release")
    sandbox.wait_for_deliveries(attempts=1)
    control(sandbox, "POST", "/deliveries/retry")
    sandbox.wait_for_deliveries()
    control(sandbox, "POST", "/deliveries/1/again")
    sandbox.wait_for_deliveries()
    deliveries = control(sandbox, "GET", "/deliveries").json
    assert [delivery["attempts"] for delivery in deliveries] == [[503, 200], [200]]


def test_fault_is_narrowed_by_operation_and_reuse(sandbox: Sandbox, account: str) -> None:
    fault = {"status": 500, "operation": "list", "reused": True}
    assert control(sandbox, "POST", "/faults", fault).status == 200
    with connect(sandbox.url) as connection:
        replies = [exchange(connection, path) for path in (ACCOUNTS, f"{ACCOUNTS}/mara", ACCOUNTS)]
    assert [reply.status for reply in replies] == [200, 200, 500]


def test_search_can_be_given_more_people(sandbox: Sandbox) -> None:
    assert control(sandbox, "PATCH", "/search", {"people": 7}).json["people"] == 7
    assert sandbox.search.people == 7


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PATCH", "/accounts/mara/plan", {"is_premium": True}, "not a key of users/me"),
        ("PATCH", "/accounts/mara/plan", {"omit": "premium"}, "list of keys"),
        ("POST", "/accounts/mara/events", {}, "message must be"),
        ("POST", "/notices", {"url": "x"}, "account_id must be"),
        ("PATCH", "/deliveries", {"first": "x"}, "first cannot be"),
        ("PATCH", "/deliveries", {"copies": True}, "copies cannot be"),
        ("PATCH", "/deliveries", {"copies": 1.5}, "copies cannot be"),
        ("PATCH", "/deliveries", {"retry_delays": [-1]}, "retry_delays cannot be"),
        ("PATCH", "/deliveries", {"lateness": {"event": 1}}, "lateness cannot be"),
        ("PATCH", "/deliveries", {"timeout": "1"}, "timeout cannot be"),
        ("PATCH", "/deliveries", {"colour": 1}, "'colour' is not known"),
        ("POST", "/deliveries/5/again", None, "no delivery 5"),
        ("PATCH", "/list", {"endless": 1}, "endless cannot be"),
        ("POST", "/faults", {"status": 500, "operation": "x"}, "operation must be one of"),
        ("POST", "/faults", {"status": 500, "operation": 5}, "operation must be a string"),
        ("POST", "/faults", {"status": 500, "reused": 1}, "reused must be"),
        ("POST", "/faults", {"arrays": -1}, "arrays must be"),
        ("POST", "/faults", {"early_hints": 9999}, "early_hints must be"),
    ],
)
def test_bad_input_about_the_life_changes_nothing(
    sandbox: Sandbox, account: str, method: str, path: str, body: object, message: str
) -> None:
    before = sandbox.state(), sandbox.profile(account), vars(sandbox.delivery).copy()
    reply = control(sandbox, method, path, body)
    assert (reply.status, message in reply.json["detail"]) == (400, True)
    assert (sandbox.state(), sandbox.profile(account), vars(sandbox.delivery)) == before


@pytest.mark.parametrize("path", ["/accounts/nobody/log-out", "/accounts/nobody/delete"])
def test_nothing_happens_to_an_unknown_account(sandbox: Sandbox, path: str) -> None:
    assert control(sandbox, "POST", path).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/restart"), ("POST", "/accounts/mara/x"), ("POST", "/deliveries/x/y")],
)
def test_other_routes_of_the_life_are_not_found(
    sandbox: Sandbox, account: str, method: str, path: str
) -> None:
    reply = control(sandbox, method, path)
    assert (reply.status, "log-out" in reply.json["detail"]) == (404, True)
