from __future__ import annotations

import pytest

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
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


def test_webhooks_are_listed_and_deleted(sandbox: Sandbox) -> None:
    webhook_id = sandbox.add_webhook(URL)
    [webhook] = list_webhooks()
    assert (webhook["id"], webhook["request_url"]) == (webhook_id, URL)

    delete_webhook(webhook_id)

    assert list_webhooks() == []


def test_list_that_is_none_is_unexpected(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(body=b'{"items": null}'))

    with pytest.raises(UnipileUnexpectedAnswer):
        list_webhooks()


def test_webhook_without_an_id_is_unexpected(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=201, body=b'{"webhook_id": ""}'))

    with pytest.raises(UnipileUnexpectedAnswer):
        create_account_webhook(request_url=URL, secret="made-up-secret")
