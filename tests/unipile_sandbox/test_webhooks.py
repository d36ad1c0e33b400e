from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import get, post
from unipile_sandbox import Sandbox, linkedin_account

WEBHOOKS = "/api/v1/webhooks"
HEADERS = [
    {"key": "Content-Type", "value": "application/json"},
    {"key": "Unipile-Auth", "value": "made-up-secret"},
]


def create(sandbox: Sandbox, **fields: Any) -> str:
    body = {"source": "account_status", "request_url": "http://127.0.0.1:9/hook", **fields}
    reply = post(sandbox, WEBHOOKS, body)
    assert reply.status == 201
    assert reply.json.keys() == {"object", "webhook_id"}
    assert reply.json["object"] == "WebhookCreated"
    return str(reply.json["webhook_id"])


def test_list_shows_webhooks_with_their_headers_in_clear(sandbox: Sandbox) -> None:
    webhook_id = create(sandbox, name="prod", headers=HEADERS, events=["ok", "deleted"])
    assert get(sandbox, WEBHOOKS).json == {
        "object": "WebhookList",
        "items": [
            {
                "object": "Webhook",
                "id": webhook_id,
                "account_ids": [],
                "enabled": True,
                "name": "prod",
                "request_url": "http://127.0.0.1:9/hook",
                "format": "json",
                "headers": HEADERS,
                "data": [],
                "events": ["ok", "deleted"],
                "type": "AUTO",
                "source": "account_status",
            }
        ],
        "cursor": None,
    }


def test_webhook_is_deleted_once(sandbox: Sandbox) -> None:
    path = f"{WEBHOOKS}/{create(sandbox)}"
    replies = [get(sandbox, path, method="DELETE") for _ in range(2)]
    assert replies[0].json == {"object": "WebhookDeleted"}
    assert [reply.status for reply in replies] == [200, 404]
    assert sandbox.webhooks == []


@pytest.mark.parametrize(
    "body",
    [
        {"source": "account_status"},
        {"source": "account", "request_url": "http://127.0.0.1:9/"},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "events": ["OK"]},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "headers": {"a": "b"}},
    ],
)
def test_bad_webhook_is_refused(sandbox: Sandbox, body: object) -> None:
    reply = post(sandbox, WEBHOOKS, body)
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")
    assert sandbox.webhooks == []


def test_event_has_the_registered_headers_only(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    create(sandbox, request_url=f"{receiver.url}/plain?a=b")
    create(sandbox, request_url=receiver.url, headers=HEADERS)
    sandbox.log_out(account)
    sandbox.wait_for_deliveries()
    plain, secret = receiver.heard
    assert plain.path == "/plain?a=b"
    assert {"Content-Type", "User-Agent"}.isdisjoint(plain.headers)
    assert secret.headers["Content-Type"] == "application/json"
    assert secret.headers["Unipile-Auth"] == "made-up-secret"
    assert (
        plain.json
        == secret.json
        == {
            "AccountStatus": {
                "account_id": account,
                "account_type": "LINKEDIN",
                "message": "CREDENTIALS",
            }
        }
    )


def test_webhook_hears_only_what_it_asked_for(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    sandbox.add(linkedin_account("other"))
    sandbox.add_webhook(f"{receiver.url}/all")
    sandbox.add_webhook(f"{receiver.url}/one", account_ids=["other"])
    sandbox.add_webhook(f"{receiver.url}/ok", events=["ok"])
    sandbox.add_webhook(f"{receiver.url}/off", enabled=False)
    sandbox.add_webhook(f"{receiver.url}/mail", source="email")
    sandbox.log_out(account)
    sandbox.log_out("other")
    sandbox.wait_for_deliveries()
    heard = sorted(
        (heard.path, message)
        for heard, message in zip(receiver.heard, receiver.messages, strict=True)
    )
    assert heard == [
        ("/all", "CREDENTIALS"),
        ("/all", "CREDENTIALS"),
        ("/one", "CREDENTIALS"),
    ]


@pytest.mark.parametrize(
    ("features", "messages"),
    [
        (["premium"], ["SYNC_SUCCESS"]),
        (["sales_navigator"], ["SYNC_SUCCESS/classic", "SYNC_SUCCESS/sales_navigator"]),
    ],
)
def test_paid_product_has_a_sync_of_its_own(
    sandbox: Sandbox, receiver: Receiver, features: list[str], messages: list[str]
) -> None:
    sandbox.add_webhook(receiver.url, events=["sync_success"])
    expiry = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = {"type": "create", "providers": ["LINKEDIN"], "expiresOn": expiry}
    link = post(sandbox, "/api/v1/hosted/accounts/link", body | {"api_url": sandbox.url}).json
    sandbox.log_in(link["url"], premium_features=features)
    sandbox.wait_for_deliveries()
    assert receiver.messages == messages
