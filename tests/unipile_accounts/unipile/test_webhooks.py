from __future__ import annotations

import json

import pytest

from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileServerError,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile.webhooks import (
    create_account_webhook,
    delete_webhook,
    list_webhooks,
)
from unipile_sandbox import Fault, Sandbox

URL = "https://puffle.example/api/webhooks/unipile"


def test_webhook_names_all_events_and_its_headers(sandbox: Sandbox) -> None:
    webhook_id = create_account_webhook(request_url=URL, secret="made-up-secret")

    [webhook] = sandbox.webhooks
    assert (webhook.id, webhook.request_url) == (webhook_id, URL)
    assert (webhook.source, webhook.enabled, webhook.account_ids) == ("account_status", True, ())
    assert len(set(webhook.events)) == 11
    assert dict(webhook.headers) == {
        "Content-Type": "application/json",
        "Unipile-Auth": "made-up-secret",
    }


def test_webhooks_are_listed_page_by_page(sandbox: Sandbox) -> None:
    for number in range(251):
        sandbox.add_webhook(f"{URL}/{number}")

    webhooks = list_webhooks()

    assert [webhook["request_url"] for webhook in webhooks] == [
        f"{URL}/{number}" for number in range(251)
    ]
    assert sandbox.request_count == 2


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"items": None},
        {"items": [], "cursor": 5},
        {"items": [1], "cursor": "the same for ever"},
    ],
)
def test_list_that_is_none_or_endless_is_unexpected(sandbox: Sandbox, body: object) -> None:
    sandbox.inject(Fault(status=200, body=json.dumps(body).encode()))

    with pytest.raises(UnipileUnexpectedAnswer):
        list_webhooks()

    assert sandbox.request_count <= 40


def test_deleted_webhook_is_gone_and_stays_so(sandbox: Sandbox) -> None:
    webhook_id = sandbox.add_webhook(URL)

    delete_webhook(webhook_id)
    delete_webhook(webhook_id)

    assert not sandbox.webhooks


@pytest.mark.parametrize("body", [b"[]", b'{"webhook_id": ""}'])
def test_webhook_without_an_id_is_unexpected(sandbox: Sandbox, body: bytes) -> None:
    sandbox.inject(Fault(status=201, body=body))

    with pytest.raises(UnipileUnexpectedAnswer):
        create_account_webhook(request_url=URL, secret="made-up-secret")


@pytest.mark.parametrize(
    ("status", "error"), [(403, UnipileAuthenticationError), (500, UnipileServerError)]
)
def test_refused_webhook_is_told(sandbox: Sandbox, status: int, error: type[Exception]) -> None:
    webhook_id = sandbox.add_webhook(URL)
    sandbox.inject(Fault(status=status))

    for ask in (
        list_webhooks,
        lambda: create_account_webhook(request_url=URL, secret="made-up-secret"),
        lambda: delete_webhook(webhook_id),
    ):
        with pytest.raises(error) as caught:
            ask()
        assert "made-up-secret" not in str(caught.value)

    assert len(sandbox.webhooks) == 1
