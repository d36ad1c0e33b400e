"""The life of an account, as a customer lives it: in a browser, at Unipile's page and at ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from tests.browser.looking import overflow, violations
from tests.helpers import api_client
from unipile_accounts.models import AccountChange
from unipile_accounts.services import register_webhook
from unipile_sandbox import Sandbox, UnknownAccountError, linkedin_account


@pytest.fixture
def api(
    transactional_db: None, live_server: LiveServer, sandbox: Sandbox, settings: Settings
) -> APIClient:
    """A customer's client, of a service that Unipile's events reach."""
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = "a-secret-for-tests-only"
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    register_webhook()
    sandbox.add(linkedin_account(name="Mara Feldkamp", premium_features=["premium"]))
    return api_client(User.objects.create_user("lena"))


def link(api: APIClient, path: str, **body: str) -> str:
    response = api.post(f"/api/unipile/{path}", body, format="json")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def listed(api: APIClient) -> list[dict[str, Any]]:
    return list(api.get("/api/unipile/accounts").json()["accounts"])


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Mara Feldkamp").check()
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading")).to_contain_text("You are back from LinkedIn")
    expect(page.get_by_text("has confirmed")).to_be_visible()


def check_our_page(page: Page) -> None:
    assert violations(page) == []
    for width in (390, 1366):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page, "html") <= 0


def test_customer_connects_loses_reconnects_and_disconnects(
    page: Page, api: APIClient, sandbox: Sandbox
) -> None:
    # Connect.
    log_in(page, link(api, "connect"))
    check_our_page(page)
    sandbox.wait_for_deliveries()
    [row] = listed(api)
    assert (row["status"], row["is_premium"]) == ("connected", True)
    assert (row["weekly_connection_limit"], row["weekly_message_limit"]) == (100, 150)

    # The login is lost; Unipile's event says so.
    sandbox.log_out(row["provider_account_id"])
    sandbox.wait_for_deliveries()
    assert listed(api)[0]["status"] == "credentials_required"

    # Reconnect: the same row, the same account at Unipile.
    log_in(page, link(api, "reconnect", accountId=row["id"]))
    sandbox.wait_for_deliveries()
    [again] = listed(api)
    same = ("id", "provider_account_id", "status", "is_premium", "created_at")
    assert [again[key] for key in same] == [row[key] for key in same]

    # Disconnect: not in the list, and not at Unipile.
    assert api.delete(f"/api/unipile/accounts?accountId={row['id']}").status_code == 200
    assert listed(api) == []
    with pytest.raises(UnknownAccountError):
        sandbox.get(row["provider_account_id"])

    # Reconnect what was given up: the same row, another account at Unipile, the whole history.
    log_in(page, link(api, "reconnect", accountId=row["id"]))
    sandbox.wait_for_deliveries()
    [back] = listed(api)
    assert (back["id"], back["status"]) == (row["id"], "connected")
    assert back["provider_account_id"] != row["provider_account_id"]
    entries = AccountChange.objects.order_by("id")
    assert [each.changes["status"][1] for each in entries if "status" in each.changes] == [
        "connected",
        "credentials_required",
        "connected",
        "disconnected",
        "connected",
    ]


def test_login_that_fails_says_what_to_do(page: Page, api: APIClient) -> None:
    page.goto(link(api, "connect"))
    page.get_by_role("button", name="Fail").click()

    expect(page.get_by_role("heading")).to_contain_text("not connected")
    check_our_page(page)
    assert listed(api) == []
