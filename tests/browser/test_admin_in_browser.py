from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.axe import violations
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts
from unipile_sandbox import Fault, Sandbox, linkedin_account, samples

LIST = "/admin/unipile_accounts/unipileaccount/"
PASSWORD = "a password for tests"
ACTION = "Refresh premium status from Unipile"
UPGRADED, UPGRADED_NAME = "-Qe7TzH2R0uJm5nXc8VwPg", "Tobin Arrowood"
GONE = "u5GnWq1EToy7Lc3ZsXbK9A"

Screenshot = Callable[[str], None]


@pytest.fixture(autouse=True)
def _people(transactional_db: None) -> None:
    User.objects.create_superuser("admin", password=PASSWORD)
    looker = User.objects.create_user("petra", password=PASSWORD, is_staff=True)
    support = User.objects.create_user("sam", password=PASSWORD, is_staff=True)
    look, refresh = (
        Permission.objects.get(codename=f"{verb}_unipileaccount") for verb in ("view", "refresh")
    )
    looker.user_permissions.add(look)
    group = Group.objects.create(name="Support")
    group.permissions.add(look, refresh)
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
    results = list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND))
    for number, result in enumerate(results):
        if result.stored:
            then = timezone.now() - timedelta(hours=5 * number * number, minutes=2)
            times = {"answered_at": then, "last_tried_at": then}
            if result.account.plan:
                times["refreshed_at"] = then
            UnipileAccount.objects.filter(pk=result.account.pk).update(**times)
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
    page.get_by_role("row", name=UPGRADED_NAME).get_by_role("checkbox").check()
    run_action(page)

    expect(report(page, "success")).to_contain_text(
        "The account was refreshed, and it has changed."
    )
    expect(report(page, "success")).to_contain_text("premium: no → yes")
    expect(page.get_by_role("row", name=UPGRADED_NAME)).to_contain_text("100 connections")
    expect(listed(page)).to_have_count(2)


def test_support_reads_the_report_of_a_selection(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    log_in(page, "sam")
    page.get_by_role("checkbox", name="Select all").check()
    run_action(page)

    expect(report(page, "error")).to_contain_text(
        "9 accounts: 6 refreshed (1 changed, 5 unchanged), 1 skipped, 2 failed."
    )
    screenshot("admin-report")
    report(page, "error").get_by_role("link", name=UPGRADED_NAME).click()
    expect(page.get_by_role("heading", name=UPGRADED_NAME)).to_be_visible()


def test_support_selects_everything_that_a_filter_matches(
    page: Page, upgraded: UnipileAccount, sandbox: Sandbox
) -> None:
    for number in range(150):
        account_id = sandbox.add(linkedin_account(name=f"Customer {number}"))
        UnipileAccount.objects.create(user=upgraded.user, unipile_account_id=account_id)
    log_in(page, "sam")
    page.locator("#changelist-filter").get_by_role("link", name="Never").click()
    expect(page.locator(".paginator")).to_contain_text("153 Unipile accounts")
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Select all 153 Unipile accounts").click()
    run_action(page)

    expect(report(page, "error")).to_contain_text(
        "153 accounts: 150 refreshed (150 changed, 0 unchanged), 1 skipped, 2 failed."
    )
    expect(report(page, "error")).to_contain_text("and 140 more")
    assert UnipileAccount.objects.filter(refreshed_at=None).count() == 3


def test_support_presses_the_button(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    log_in(page, "sam")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    page.get_by_role("button", name="Refresh from Unipile").click()

    expect(report(page, "success")).to_contain_text("premium: no → yes")
    expect(page.locator(".field-owner")).to_contain_text("omar")
    expect(page.locator(".field-owner a")).to_have_attribute("href", re.compile("user="))
    screenshot("admin-account")
    upgraded.refresh_from_db()
    assert upgraded.weekly_connection_limit == 100

    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("row", name="sam, admin omar premium: no → yes")).to_be_visible()


def test_link_is_copied_at_a_button(
    page: Page,
    upgraded: UnipileAccount,
    screenshot: Screenshot,
    live_server: LiveServer,
    settings: Settings,
) -> None:
    settings.PUBLIC_URL = live_server.url
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, "sam")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    page.get_by_role("button", name="Make a link to reconnect").click()
    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    screenshot("link")
    link = page.get_by_role("textbox", name="Link for").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_staff_disconnect_and_delete_an_account(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    log_in(page, "admin")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    expect(page.get_by_role("link", name="Delete")).to_have_count(0)
    page.get_by_role("button", name="Disconnect").click()
    screenshot("confirmation")
    page.get_by_role("button", name="Yes, disconnect").click()

    expect(report(page, "success")).to_have_text(f"Disconnected: {UPGRADED_NAME}.")
    expect(page.locator(".object-tools button")).to_have_text(["Make a link to reconnect"])
    screenshot("given-up")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, I").click()
    expect(report(page, "success")).to_contain_text("was deleted successfully")


def test_owner_with_living_accounts_cannot_be_deleted(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot
) -> None:
    log_in(page, "admin")
    page.goto(f"/admin/auth/user/{upgraded.user.pk}/change/")
    expect(page.locator("#unipile_accounts-group")).to_contain_text(UPGRADED_NAME)
    screenshot("owner")
    page.get_by_role("link", name="Delete").click()

    expect(page.get_by_text("Disconnect these accounts first.")).to_be_visible()
    expect(page.get_by_role("link", name=UPGRADED_NAME)).to_be_visible()
    screenshot("protected")


def test_unipile_that_rejects_the_key_is_reported(
    page: Page, upgraded: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=403, body=b"{}"))
    log_in(page, "sam")
    page.get_by_role("link", name=UPGRADED_NAME).click()
    page.get_by_role("button", name="Refresh from Unipile").click()

    expect(report(page, "error")).to_contain_text("Unipile refuses this service's API key.")


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

    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    expect(report(page, "success")).to_contain_text("name: none → Yara Lindqvist")
    expect(page.get_by_role("row", name="Yara Lindqvist")).to_contain_text("100 connections")


def test_staff_who_may_only_look_see_no_way_to_refresh(
    page: Page, upgraded: UnipileAccount
) -> None:
    log_in(page, "petra")
    expect(listed(page)).to_have_count(9)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    assert ACTION not in page.content()

    page.get_by_role("link", name=UPGRADED_NAME).click()
    expect(page.get_by_role("heading", name=UPGRADED_NAME)).to_be_visible()
    expect(page.get_by_role("button", name="Refresh")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 800, 1366])
def test_pages_fit_into_a_window(
    page: Page, upgraded: UnipileAccount, screenshot: Screenshot, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    User.objects.filter(username="omar").update(email="omar.at.his.place@customer.example.test")
    log_in(page, "sam")
    screenshot(f"list-{width}")
    assert overflow(page, "html") <= 0
    if width != 800:
        assert overflow(page, "#changelist .results") <= 0
    if width == 390:
        label = "getComputedStyle(it, '::before').content"
        cell = page.locator("#result_list .field-weekly_limits").first
        assert cell.evaluate(f"it => {label}") == '"Weekly limits"'
        row = page.get_by_role("row", name=UPGRADED_NAME)
        for answer in ("plan", "weekly_limits", "last_refreshed"):
            expect(row.locator(f".field-{answer}")).to_be_in_viewport(ratio=1)

    page.get_by_role("link", name=UPGRADED_NAME).click()
    screenshot(f"account-{width}")
    for answer in ("plan", "weekly_limits", "last_refreshed"):
        expect(page.locator(f".field-{answer}")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Refresh from Unipile")).to_be_in_viewport(ratio=1)
    assert overflow(page, "html") <= 0


def test_axe_finds_nothing_on_our_pages(
    page: Page, upgraded: UnipileAccount, live_server: LiveServer, settings: Settings
) -> None:
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = "a-secret-for-tests-only"
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


def overflow(page: Page, selector: str) -> int:
    """Return by how many pixels the content is wider than what shows it."""
    return int(page.locator(selector).evaluate("it => it.scrollWidth - it.clientWidth"))
