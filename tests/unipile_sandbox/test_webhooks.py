from __future__ import annotations

from typing import Any

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import get, post
from unipile_sandbox import Fault, Sandbox, linkedin_account

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


def test_default_events_leave_three_out(sandbox: Sandbox) -> None:
    create(sandbox)
    events = get(sandbox, WEBHOOKS).json["items"][0]["events"]
    assert not {"connecting", "ok", "stopped"} & set(events)
    assert {"creation_success", "credentials", "deleted", "reconnected"} < set(events)


def test_list_of_webhooks_has_pages(sandbox: Sandbox) -> None:
    created = [create(sandbox) for _ in range(3)]
    first = get(sandbox, f"{WEBHOOKS}?limit=2").json
    second = get(sandbox, f"{WEBHOOKS}?limit=2&cursor={first['cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == created
    assert second["cursor"] is None


def test_deleted_webhook_is_gone_and_cannot_be_deleted_again(sandbox: Sandbox) -> None:
    path = f"{WEBHOOKS}/{create(sandbox)}"
    replies = [get(sandbox, path, method="DELETE") for _ in range(2)]
    assert replies[0].json == {"object": "WebhookDeleted"}
    assert [reply.status for reply in replies] == [200, 404]
    assert sandbox.webhooks == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"source": "account_status"},
        {"source": "account_status", "request_url": "app.example.test/hook"},
        {"source": "account", "request_url": "http://127.0.0.1:9/"},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "events": ["OK"]},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "events": "ok"},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "format": "xml"},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "enabled": "yes"},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "headers": {"a": "b"}},
        {"source": "account_status", "request_url": "http://127.0.0.1:9/", "headers": [{}]},
    ],
)
def test_bad_webhook_is_refused(sandbox: Sandbox, body: object) -> None:
    reply = post(sandbox, WEBHOOKS, body)
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")
    assert sandbox.webhooks == []


def test_webhooks_need_the_key(sandbox: Sandbox) -> None:
    for method in ("GET", "POST"):
        assert get(sandbox, WEBHOOKS, method=method, key=None).status == 401


def test_injected_error_keeps_a_webhook_from_being_made(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=503), operation="webhooks", times=1)
    body = {"source": "account_status", "request_url": "http://127.0.0.1:9/"}
    assert post(sandbox, WEBHOOKS, body).status == 503
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
    sandbox.send_event(account, "OK")
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
        ("/ok", "OK"),
        ("/one", "CREDENTIALS"),
    ]


def test_webhook_that_is_registered_twice_is_called_twice(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    for _ in range(2):
        create(sandbox, request_url=receiver.url)
    sandbox.log_out(account)
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["CREDENTIALS"] * 2


def test_restart_sends_connecting_and_then_ok_for_every_account(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(20))
    sandbox.add_webhook(receiver.url, events=["connecting", "ok"])
    sandbox.restart()
    sandbox.wait_for_deliveries()
    for number in range(20):
        of_account = [
            heard.json["AccountStatus"]["message"]
            for heard in receiver.heard
            if heard.json["AccountStatus"]["account_id"] == f"account-{number}"
        ]
        assert of_account == ["CONNECTING", "OK"]


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
    sandbox.add(linkedin_account("a", premium_features=features))
    sandbox.add_webhook(receiver.url)
    sandbox.send_sync_success("a")
    sandbox.wait_for_deliveries()
    assert receiver.messages == messages
