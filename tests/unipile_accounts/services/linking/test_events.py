"""The life of an account, with Unipile's notices and events over real sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from tests.helpers import make_account, stored
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_sandbox import Sandbox, linkedin_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("webhook")]

SECRET = "a-secret-for-tests-only"


@pytest.fixture
def webhook(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> str:
    """Unipile's webhook, registered for the address at which Unipile and browsers reach us."""
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    return sandbox.add_webhook(
        f"{live_server.url}/api/webhooks/unipile",
        secret=SECRET,
        events=["ok", "credentials", "deleted", "creation_success", "reconnected", "sync_success"],
    )


def connect(api: APIClient) -> str:
    response = api.post("/api/unipile/connect")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def reconnect(api: APIClient, account: UnipileAccount) -> str:
    response = api.post("/api/unipile/reconnect", {"accountId": str(account.pk)}, format="json")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def disconnect(api: APIClient, account: UnipileAccount) -> None:
    assert api.delete(f"/api/unipile/accounts?accountId={account.pk}").status_code == 200


def refresh(api: APIClient, account: UnipileAccount) -> int:
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    return int(response.status_code)


def listed(api: APIClient) -> list[dict[str, Any]]:
    return list(api.get("/api/unipile/accounts").json()["accounts"])


def history(account: UnipileAccount) -> list[dict[str, Any]]:
    return [entry.changes for entry in account.changes.order_by("id")]


@pytest.mark.parametrize("first", ["notice", "event", "together"])
def test_order_and_copies_do_not_matter(
    api: APIClient, sandbox: Sandbox, first: Literal["notice", "event", "together"]
) -> None:
    sandbox.delivery.first = first
    sandbox.delivery.copies = 2

    sandbox.log_in(connect(api), name="Mara")
    deliveries = sandbox.wait_for_deliveries()

    assert {delivery.state for delivery in deliveries} == {"delivered"}
    [row] = listed(api)
    assert (row["display_name"], row["status"]) == ("Mara", "connected")
    entries = AccountChange.objects.values_list("changes", flat=True)
    assert [entry["display_name"] for entry in entries] == [[None, "Mara"]]


def test_lost_login_is_told_by_the_event(api: APIClient, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    sandbox.log_out(account.unipile_account_id)
    sandbox.wait_for_deliveries()
    [row] = listed(api)
    assert row["status"] == "credentials_required"

    assert sandbox.log_in(reconnect(api, account)) == account.unipile_account_id
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["status"]) == (str(account.pk), "connected")
    statuses = [entry["status"] for entry in history(account) if "status" in entry]
    assert statuses == [
        ["connected", "credentials_required"],
        ["credentials_required", "connected"],
    ]


def test_disconnected_account_comes_back_as_it_was(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(premium_features=["premium"])
    account = make_account(owner, sandbox, payload=payload)
    refresh(api, account)
    before, known = stored(account), len(history(account))
    disconnect(api, account)
    assert refresh(api, account) == 409
    sandbox.wait_for_deliveries()
    assert listed(api) == []

    new_id = sandbox.log_in(reconnect(api, account), member_id=account.linkedin_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["provider_account_id"]) == (str(account.pk), new_id)
    assert (row["is_premium"], row["last_error"]) == (True, "")
    after = stored(account)
    moved = {"unipile_account_id", "answered_at", "refreshed_at", "version", "updated_at"}
    assert {name for name in after if after[name] != before[name]} == moved
    assert history(account)[known:] == [
        {"status": ["connected", "disconnected"]},
        {
            "status": ["disconnected", "connected"],
            "provider_account_id": [account.unipile_account_id, new_id],
        },
    ]


def test_clock_that_is_behind_loses_no_login(
    api: APIClient, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(owner, sandbox)
    disconnect(api, account)
    now = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: now() - timedelta(seconds=5))

    new_id = sandbox.log_in(reconnect(api, account), member_id=account.linkedin_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["status"]) == (str(account.pk), "connected")
    assert sandbox.get(new_id)
