from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from unipile_accounts.unipile import ACCOUNT_EVENTS
from unipile_sandbox import Fault, Sandbox

URL = "https://puffle.example/api/webhooks/unipile"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://puffle.example"
    settings.UNIPILE_WEBHOOK_SECRET = "a-secret-for-tests-only"


def register(*arguments: str) -> None:
    call_command("register_unipile_webhook", *arguments)


def test_webhook_is_created_once(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    register()
    register()

    [webhook] = sandbox.webhooks
    assert webhook.request_url == URL
    assert {"ok", "connecting", "stopped", "credentials"} <= set(webhook.events)
    assert capsys.readouterr().out.splitlines() == [
        f"Webhook {webhook.id}: created.",
        f"Webhook {webhook.id}: there already.",
    ]


@pytest.mark.parametrize(
    ("webhook", "why"),
    [
        ({"secret": "another"}, "it carried another secret"),
        ({"events": ["ok", "credentials"]}, "it left out connecting, creation_fail, "),
        ({"enabled": False}, "it was switched off"),
    ],
)
def test_webhook_that_is_not_right_is_replaced(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], webhook: dict[str, Any], why: str
) -> None:
    right: dict[str, Any] = {"secret": "a-secret-for-tests-only", "events": list(ACCOUNT_EVENTS)}
    former = sandbox.add_webhook(URL, **(right | webhook))

    register()

    [now] = sandbox.webhooks
    created, deleted = capsys.readouterr().out.splitlines()
    assert created == f"Webhook {now.id}: created."
    assert deleted.startswith(f"Webhook {former}: deleted, because {why}")
    # No event is lost in between.
    changes = [request.method for request in sandbox.requests if request.method != "GET"]
    assert changes == ["POST", "DELETE"]


def test_one_of_two_webhooks_is_deleted(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        sandbox.add_webhook(URL, secret="a-secret-for-tests-only", events=list(ACCOUNT_EVENTS))

    register()

    assert len(sandbox.webhooks) == 1
    assert "deleted, because there was another." in capsys.readouterr().out


def test_delete_removes_ours_and_no_other(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.add_webhook("https://other.example.test/hook")
    register()

    register("--delete")
    register("--delete")

    assert [each.request_url for each in sandbox.webhooks] == ["https://other.example.test/hook"]
    assert "There was no webhook of ours." in capsys.readouterr().out


@pytest.mark.parametrize("setting", ["PUBLIC_URL", "UNIPILE_WEBHOOK_SECRET"])
def test_missing_setting_asks_nobody(sandbox: Sandbox, settings: Settings, setting: str) -> None:
    setattr(settings, setting, "")

    with pytest.raises(ImproperlyConfigured, match=setting):
        register()

    assert sandbox.request_count == 0


def test_refusal_of_unipile_is_named(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=503))

    with pytest.raises(CommandError, match="503") as caught:
        register()

    assert caught.value.returncode == 2
