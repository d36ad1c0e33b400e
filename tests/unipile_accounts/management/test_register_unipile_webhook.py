from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

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


def test_faults_of_a_webhook_are_named(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.add_webhook(URL, secret="another", events=["ok"])

    with pytest.raises(CommandError, match="--delete"):
        register()

    shown = capsys.readouterr().err
    assert "it carries another secret" in shown
    assert "it leaves out connecting, creation_fail" in shown
    assert len(sandbox.webhooks) == 1


def test_webhook_with_the_second_secret_is_replaced(
    sandbox: Sandbox, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    [former] = sandbox.webhooks
    settings.UNIPILE_WEBHOOK_SECRET = f"another-secret-for-tests,{settings.UNIPILE_WEBHOOK_SECRET}"
    capsys.readouterr()

    register()

    [webhook] = sandbox.webhooks
    assert webhook.id != former.id
    assert capsys.readouterr().out.splitlines() == [
        f"Webhook {webhook.id}: created.",
        f"Webhook {former.id}: replaced.",
    ]
    # No event is lost in between.
    changes = [request.method for request in sandbox.requests if request.method != "GET"]
    assert changes == ["POST", "POST", "DELETE"]


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
