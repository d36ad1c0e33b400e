from __future__ import annotations

from typing import Any

import pytest

from tests.unipile_sandbox.talking import ask, error_of, get, post
from unipile_sandbox import Sandbox

WEBHOOKS = "/api/v1/webhooks"
URL = "http://127.0.0.1:9/hook"
HEADERS = [
    {"key": "Content-Type", "value": "application/json"},
    {"key": "Unipile-Auth", "value": "made-up-secret"},
]


def create(sandbox: Sandbox, **fields: Any) -> str:
    reply = post(sandbox, WEBHOOKS, {"source": "account_status", "request_url": URL, **fields})
    assert (reply.status_code, reply.json()["object"]) == (201, "WebhookCreated")
    return str(reply.json()["webhook_id"])


def test_webhook_is_listed_with_its_headers(sandbox: Sandbox) -> None:
    webhook_id = create(sandbox, name="prod", headers=HEADERS, events=["ok", "deleted"])

    listed = get(sandbox, WEBHOOKS).json()
    assert (listed["object"], listed["cursor"]) == ("WebhookList", None)
    [shown] = listed["items"]
    assert (shown["id"], shown["name"], shown["request_url"]) == (webhook_id, "prod", URL)
    assert (shown["headers"], shown["events"]) == (HEADERS, ["ok", "deleted"])
    path = f"{sandbox.url}{WEBHOOKS}/{webhook_id}"
    assert [ask("DELETE", path).status_code for _ in range(2)] == [200, 404]
    assert sandbox.webhooks == []


@pytest.mark.parametrize(
    "fields", [{"source": "account"}, {"events": ["OK"]}, {"headers": {"a": "b"}}]
)
def test_bad_webhook_is_refused(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    body = {"source": "account_status", "request_url": URL, **fields}

    assert error_of(post(sandbox, WEBHOOKS, body)) == (400, "invalid_parameters")
    assert sandbox.webhooks == []


def test_event_has_the_registered_headers_only(
    sandbox: Sandbox, account: str, receiver: Sandbox
) -> None:
    create(sandbox, request_url=f"{receiver.url}/plain?a=b")
    create(sandbox, request_url=receiver.url, headers=HEADERS)

    sandbox.log_out(account)
    sandbox.wait_for_deliveries()

    plain, secret = receiver.requests
    assert plain.path == "/plain?a=b"
    assert {"content-type", "user-agent"}.isdisjoint(plain.headers)
    assert secret.headers["content-type"] == "application/json"
    assert secret.headers["unipile-auth"] == "made-up-secret"
    state = {"account_id": account, "account_type": "LINKEDIN", "message": "CREDENTIALS"}
    assert plain.json == secret.json == {"AccountStatus": state}
