from __future__ import annotations

from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Screenshot
from tests.browser.looking import overflow, violations
from tests.helpers import make_account
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts
from unipile_sandbox import Sandbox, linkedin_account, samples

LIST = "/admin/unipile_accounts/unipileaccount/"
PASSWORD = "a password for tests"
ACTION = "Refresh premium status from Unipile"
UPGRADED, UPGRADED_NAME = "-Qe7TzH2R0uJm5nXc8VwPg", "Tobin Arrowood"
GONE = "u5GnWq1EToy7Lc3ZsXbK9A"
ANSWERS = ("plan", "weekly_limits", "last_refreshed")


@pytest.fixture(autouse=True)
def _people(transactional_db: None, settings: Settings, live_server: LiveServer) -> None:
    settings.PUBLIC_URL = live_server.url
    User.objects.create_superuser("admin", password=PASSWORD)
    support = User.objects.create_user("sam", password=PASSWORD, is_staff=True)
    group = Group.objects.create(name="Support")
    names = ["view_unipileaccount", "refresh_unipileaccount"]
    group.permissions.set(Permission.objects.filter(codename__in=names))
    support.groups.add(group)


@pytest.fixture
def upgraded(sandbox: Sandbox) -> UnipileAccount:
    """Customers' accounts as they were at the last refresh; this one is premium since."""
    sandbox.load(samples())
    sandbox.update(UPGRADED, premiumFeatures=[])
    customers = [
        User.objects.create_user(name, f"{name}@example.test") for name in ("lena", "omar")
    ]
    people = {sample["id"]: sample["name"] for sample in samples() if sample["type"] == "LINKEDIN"}
    for number, (account_id, name) in enumerate({**people, GONE: "Odile Marchetti"}.items()):
        UnipileAccount.objects.create(
            id=uuid5(NAMESPACE_OID, account_id),
            user=customers[number % 2],
            unipile_account_id=account_id,
            name=name,
            status="disconnected" if account_id == GONE else "connected",
        )
    list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND))
    sandbox.update(UPGRADED, premiumFeatures=["premium"])
    return UnipileAccount.objects.get(unipile_account_id=UPGRADED)


def log_in(page: Page, username: str) -> None:
    page.goto(LIST)
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Unipile account").wait_for()
    # Django's own scripts watch the checkboxes.
    page.wait_for_load_state()


def run_action(page: Page) -> None:
    page.get_by_label("Action:").select_option(label=ACTION)
    page.get_by_role("button", name="Go").click()


def report(page: Page, level: str) -> Locator:
    """Return the last message, which is of this level."""
    message = page.locator(".messagelist > li").last
    expect(message).to_have_class(level)
    return message


def listed(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def test_support_finds_filters_selects_and_refreshes(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    log_in(page, "sam")
    expect(listed(page)).to_have_count(9)
    screenshot("admin-list")

    page.locator("#searchbar").fill("omar")
    page.get_by_role("button", name="Search").click()
    expect(listed(page)).to_have_count(4)
    # One of these was never read, so whether it is connected is unknown.
    page.locator("#changelist-filter").get_by_role("link", name="connected", exact=True).click()
    expect(listed(page)).to_have_count(2)

    page.goto(LIST)
    page.get_by_role("checkbox", name="Select all").check()
    run_action(page)
    expect(report(page, "error")).to_contain_text(
        "9 accounts: 6 refreshed (1 changed, 5 unchanged), 1 skipped, 2 failed."
    )
    screenshot("admin-report")
    expect(page.get_by_role("row", name=UPGRADED_NAME)).to_contain_text("100 connections")
    report(page, "error").get_by_role("link", name=UPGRADED_NAME).click()
    expect(page.get_by_role("heading", name=UPGRADED_NAME)).to_be_visible()


def test_support_presses_the_buttons(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, "sam")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    page.get_by_role("button", name="Refresh from Unipile").click()
    expect(report(page, "success")).to_contain_text("premium: no → yes")
    screenshot("admin-account")

    page.get_by_role("button", name="Make a link to reconnect").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.get_by_role("textbox", name="Link for").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == link

    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("row", name="sam, admin omar premium: no → yes")).to_be_visible()


def test_staff_disconnect_and_delete_an_account(page: Page, upgraded: UnipileAccount) -> None:
    log_in(page, "admin")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    expect(page.get_by_role("link", name="Delete")).to_have_count(0)
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="Yes, disconnect").click()

    expect(report(page, "success")).to_have_text(f"Disconnected: {UPGRADED_NAME}.")
    expect(page.locator(".object-tools button")).to_have_text(["Make a link to reconnect"])
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, I").click()
    expect(report(page, "success")).to_contain_text("was deleted successfully")


def test_staff_add_an_account(
    page: Page, upgraded: UnipileAccount, sandbox: Sandbox, screenshot: Screenshot
) -> None:
    account_id = "x5RtGh2KQm8vLc0WnZb3Yd"
    sandbox.add(linkedin_account(account_id, name="Yara Lindqvist", premium_features=["premium"]))
    log_in(page, "admin")
    page.get_by_role("link", name="Add Unipile account").click()
    page.locator(".field-user .select2-selection").click()
    page.get_by_role("searchbox").last.fill("lena")
    page.get_by_role("option", name="lena").click()
    page.get_by_label("Unipile id").fill(f" {account_id} ")
    screenshot("admin-add")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(report(page, "success")).to_contain_text("name: none → Yara Lindqvist")
    expect(page.get_by_role("row", name="Yara Lindqvist")).to_contain_text("100 connections")


@pytest.mark.parametrize("width", [390, 800, 1366])
def test_pages_fit_into_a_window(page: Page, upgraded: UnipileAccount, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    User.objects.filter(username="omar").update(email="omar.at.his.place@customer.example.test")
    now = timezone.now()
    # All of it is as long as it gets. The oldest owner's accounts come last.
    make_account(
        User.objects.get(username="admin"),
        name="edda.marlowe@customer.example.test",
        status="credentials_required",
        has_sales_navigator=True,
        refreshed_at=now,
        live_checked_at=now - timedelta(minutes=59),
        last_error="not_linkedin",
        last_tried_at=now,
    )
    log_in(page, "sam")
    assert overflow(page, "html") <= 0
    if width != 800:
        assert overflow(page, "#changelist .results") <= 0
    if width == 390:
        label = "getComputedStyle(it, '::before').content"
        cell = page.locator("#result_list .field-weekly_limits").first
        assert cell.evaluate(f"it => {label}") == '"Weekly limits"'
        row = page.get_by_role("row", name=UPGRADED_NAME)
        for answer in ANSWERS:
            expect(row.locator(f".field-{answer}")).to_be_in_viewport(ratio=1)

    page.get_by_role("link", name=UPGRADED_NAME).click()
    for answer in ANSWERS:
        expect(page.locator(f".field-{answer}")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Refresh from Unipile")).to_be_in_viewport(ratio=1)
    assert overflow(page, "html") <= 0


def test_axe_finds_nothing_on_our_pages(page: Page, upgraded: UnipileAccount) -> None:
    log_in(page, "admin")
    found = {"list": violations(page)}
    page.get_by_role("checkbox", name="Select all").check()
    run_action(page)
    report(page, "error").wait_for()
    found["list with report"] = violations(page)
    page.get_by_role("link", name="Add Unipile account").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Please correct the errors below.").wait_for()
    found["add form with errors"] = violations(page)
    page.goto(f"{LIST}{upgraded.pk}/change/")
    page.get_by_role("button", name="Refresh from Unipile").click()
    report(page, "success").wait_for()
    found["account with report"] = violations(page)
    page.get_by_role("button", name="Make a link to reconnect").click()
    page.get_by_text("A link for").wait_for()
    found["account with link"] = violations(page)
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="What refreshes and reconnects have changed").wait_for()
    found["history"] = violations(page)
    page.go_back()
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="Yes, disconnect").wait_for()
    found["confirmation"] = violations(page)
    page.goto("/admin/")
    found["first page"] = violations(page)
    page.goto(f"/admin/auth/user/{upgraded.user.pk}/change/")
    # The rest of this page is Django's own.
    found["owner"] = violations(page, "#unipile_accounts-group", ".object-tools")

    assert {name: what for name, what in found.items() if what} == {}
