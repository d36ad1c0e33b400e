from __future__ import annotations

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from unipile_sandbox import Sandbox

SECRET = "a-secret-for-tests-only"


@pytest.fixture
def service(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> str:
    """The address at which Unipile and browsers reach us, with Unipile's webhook registered."""
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    return str(live_server.url)


@pytest.fixture
def webhook(service: str, sandbox: Sandbox) -> str:
    return sandbox.add_webhook(
        f"{service}/api/webhooks/unipile",
        secret=SECRET,
        events=["ok", "connecting", "credentials", "deleted", "creation_success", "reconnected"],
    )
