"""The life of an account, as a customer lives it: in a browser, at Unipile's page and at ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from tests.browser.axe import violations
from tests.helpers import api_client, make_account
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts, register_webhook
from unipile_sandbox import Fault, Sandbox, UnknownAccountError, linkedin_account

Screenshot = Callable[[str], None]
ADMIN_LIST = "/admin/unipile_accounts/unipileaccount/"


@pytest.fixture
def api(
    transactional_db: None, live_server: LiveServer, sandbox: Sandbox, settings: Settings
) -> APIClient:
    """A customer's client, of a service that Unipile's events reach."""
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = "a-secret-for-tests-only"
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    register_webhook()
    return api_client(User.objects.create_user("lena"))


@pytest.fixture
def shown(
    api: APIClient, page: Page, live_server: LiveServer, screenshot: Screenshot
) -> Callable[[str], list[str]]:
    """Show staff the list on a desk and a phone, and return its rows."""
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])

    def look(name: str) -> list[str]:
        page.goto(ADMIN_LIST)
        keep(page, screenshot, name)
        return page.locator("#result_list tbody tr").all_inner_texts()

    return look


def keep(page: Page, screenshot: Screenshot, name: str) -> None:
    """Keep pictures of the page, into which it has to fit, in both widths."""
    for width in (390, 1366):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        screenshot(f"{name}-{width}")


def link(api: APIClient, path: str, **body: str) -> str:
    response = api.post(f"/api/unipile/{path}", body, format="json")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def listed(api: APIClient) -> list[dict[str, Any]]:
    return list(api.get("/api/unipile/accounts").json()["accounts"])


def log_in(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.get_by_label(name).check()
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading")).to_contain_text("You are back from LinkedIn")


def test_customer_connects_loses_reconnects_and_disconnects(
    page: Page, screenshot: Screenshot, api: APIClient, sandbox: Sandbox
) -> None:
    sandbox.add(linkedin_account(name="Mara Feldkamp", premium_features=["premium"]))

    # Connect.
    page.goto(link(api, "connect"))
    screenshot("life-hosted")
    log_in(page, page.url, "Mara Feldkamp")
    screenshot("life-connected")
    assert violations(page) == []
    sandbox.wait_for_deliveries()
    [row] = listed(api)
    assert (row["status"], row["is_premium"]) == ("connected", True)
    assert (row["weekly_connection_limit"], row["weekly_message_limit"]) == (100, 150)

    # The login is lost; Unipile's event says so.
    sandbox.log_out(row["provider_account_id"])
    sandbox.wait_for_deliveries()
    assert listed(api)[0]["status"] == "credentials_required"

    # Reconnect: the same row, the same account at Unipile.
    log_in(page, link(api, "reconnect", accountId=row["id"]), "Mara Feldkamp")
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
    log_in(page, link(api, "reconnect", accountId=row["id"]), "Mara Feldkamp")
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


def test_login_that_fails_says_what_to_do(
    page: Page, screenshot: Screenshot, api: APIClient
) -> None:
    page.goto(link(api, "connect"))
    page.get_by_role("button", name="Fail").click()

    expect(page.get_by_role("heading")).to_contain_text("not connected")
    screenshot("life-not-connected")
    assert violations(page) == []
    assert listed(api) == []


def test_other_member_gets_another_row(
    page: Page,
    screenshot: Screenshot,
    shown: Callable[[str], list[str]],
    api: APIClient,
    sandbox: Sandbox,
) -> None:
    sandbox.add(linkedin_account(name="Mara Feldkamp", premium_features=["premium"]))
    log_in(page, link(api, "connect"), "Mara Feldkamp")
    sandbox.wait_for_deliveries()
    [row] = listed(api)
    sandbox.add(linkedin_account(name="Tobin Arrowood"))
    # Another customer's account shows that the workspace is ours.
    make_account(User.objects.create_user("omar"), sandbox)
    sandbox.delete(row["provider_account_id"])
    sandbox.wait_for_deliveries()
    before = UnipileAccount.objects.values().get(pk=row["id"])

    log_in(page, link(api, "reconnect", accountId=row["id"]), "Tobin Arrowood")
    keep(page, screenshot, "life-other-member")
    sandbox.wait_for_deliveries()

    assert UnipileAccount.objects.values().get(pk=row["id"]) == before
    [other] = listed(api)
    assert (other["display_name"], other["status"]) == ("Tobin Arrowood", "connected")
    assert len(shown("life-other-member-list")) == 3


def test_used_link_takes_no_second_login(
    page: Page,
    screenshot: Screenshot,
    shown: Callable[[str], list[str]],
    api: APIClient,
    sandbox: Sandbox,
) -> None:
    sandbox.add(linkedin_account(name="Mara Feldkamp", premium_features=["premium"]))
    url = link(api, "connect")
    page.goto(url)
    # Two windows are open before anybody logs in.
    second = page.context.new_page()
    second.goto(url)
    log_in(page, url, "Mara Feldkamp")
    sandbox.wait_for_deliveries()
    before = listed(api), sandbox.accounts, len(sandbox.deliveries)

    second.get_by_role("button", name="Log in").click()
    expect(second.get_by_text("This link has expired. Ask for a new one.")).to_be_visible()
    second.reload()
    expect(second.get_by_text("This link has expired. Ask for a new one.")).to_be_visible()
    assert (listed(api), sandbox.accounts, len(sandbox.deliveries)) == before
    assert len(shown("life-used-link-list")) == 1


def daily_restart(sandbox: Sandbox) -> None:
    sandbox.restart()
    sandbox.wait_for_deliveries()


def nightly_pass(sandbox: Sandbox) -> None:
    list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND, upkeep=True))


@pytest.mark.parametrize(
    ("fault", "finish"), [(Fault(status=503), daily_restart), (Fault(close=True), nightly_pass)]
)
def test_login_waits_until_unipile_answers(
    page: Page,
    screenshot: Screenshot,
    shown: Callable[[str], list[str]],
    api: APIClient,
    sandbox: Sandbox,
    fault: Fault,
    finish: Callable[[Sandbox], None],
) -> None:
    sandbox.add(linkedin_account(name="Mara Feldkamp", premium_features=["premium"]))
    url = link(api, "connect")
    sandbox.delivery.retry_delays = ()
    sandbox.inject(fault)
    log_in(page, url, "Mara Feldkamp")
    keep(page, screenshot, "life-silent")
    expect(page.get_by_text("has confirmed")).to_be_visible()
    sandbox.wait_for_deliveries()
    assert (listed(api), shown("life-silent-list")) == ([], [])

    sandbox.clear_faults()
    finish(sandbox)
    assert [row["display_name"] for row in listed(api)] == ["Mara Feldkamp"]
    assert len(shown("life-silent-after")) == 1
