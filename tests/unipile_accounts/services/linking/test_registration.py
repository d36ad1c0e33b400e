from __future__ import annotations

from pytest_django import Settings

from unipile_accounts.services import register_webhook
from unipile_accounts.unipile import ACCOUNT_EVENTS
from unipile_sandbox import Sandbox


def test_webhook_of_another_spelling_is_ours(sandbox: Sandbox, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://puffle.example"
    settings.UNIPILE_WEBHOOK_SECRET = "a-secret-for-tests-only"
    webhook_id = sandbox.add_webhook(
        "https://Puffle.example/api/webhooks/unipile/",
        secret="a-secret-for-tests-only",
        events=list(ACCOUNT_EVENTS),
    )

    assert register_webhook() == {webhook_id: "there already"}
