from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import Statements, free_accounts, make_account, make_accounts, stored, table
from tests.unipile_accounts.admin.conftest import (
    ACTION,
    LIST,
    page_of,
    press,
    refresh,
    report,
    text,
)
from unipile_accounts.admin import refreshing
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox, linkedin_account

EVERYTHING: dict[str, Any] = {"_selected_action": ["x"], "select_across": "1"}


# --- Actions and buttons --------------------------------------------------------------------------


def test_action_refreshes_what_is_selected(support: Client, owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account(name="Mara Feldkamp", premium_features=["premium"])
    upgraded = make_account(owner, sandbox, payload=payload)
    other = make_account(owner, sandbox)

    level, words = report(refresh(support, upgraded))

    upgraded.refresh_from_db()
    assert upgraded.is_premium
    assert upgraded.weekly_connection_limit == 100
    assert set(upgraded.changes.values_list("door", "user__username")) == {("admin", "staff-0")}
    assert stored(other)["refreshed_at"] is None
    assert level == "success"
    assert words.startswith("The account was refreshed, and it has changed. Changed Mara Feldkamp:")
    assert "premium: no → yes" in words
    assert "weekly connection limit: 80 → 100" in words
    assert "name: none → Mara Feldkamp" in words
    assert "status" not in words
    assert report(refresh(support, upgraded)) == (
        "success",
        "The account was refreshed. Nothing has changed.",
    )


def test_action_refreshes_everything_a_filter_matches(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    free_accounts(owner, sandbox, 120)
    other = make_account(owner, sandbox, is_premium=True)

    response = refresh(support, query="?is_premium__exact=0", **EVERYTHING)

    level, words = report(response)
    assert level == "success"
    assert words.startswith(
        "120 accounts: 120 refreshed (120 changed, 0 unchanged), 0 skipped, 0 failed."
    )
    assert UnipileAccount.objects.filter(refreshed_at=None).get() == other
    assert response.request["QUERY_STRING"] == "is_premium__exact=0"


def test_selection_that_is_gone_is_no_success(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    UnipileAccount.objects.all().delete()

    make_account(owner, sandbox)
    assert report(refresh(support, account)) == ("warning", "No account was refreshed.")


def test_one_request_refreshes_a_thousand_accounts(
    support: Client, owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    sandbox.latency = 0.02
    payloads = [
        linkedin_account(name="Mara", premium_features=["premium"] if n < 50 else [])
        for n in range(1000)
    ]
    address = "https://www.linkedin.com/in/robin-sample-example"
    make_accounts(owner, sandbox, payloads, name="Mara", profile_url=address)
    ContentType.objects.get_for_model(UnipileAccount)  # Django remembers it

    with statements() as executed:
        response = support.post(LIST, {"action": ACTION, "index": "0", **EVERYTHING})

    assert report(support.get(response["Location"]))[1].startswith(
        "1000 accounts: 1000 refreshed (50 changed, 950 unchanged), 0 skipped, 0 failed."
    )
    assert len(sandbox.requests) == 4
    # For a page of 250: the time, its rows, their members, the rows and the history written.
    # SQLite takes fewer parameters, so Django writes a page in more statements.
    assert len(executed) <= (40 if connection.vendor == "postgresql" else 50)


def test_button_refreshes_and_comes_back(support: Client, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    url = f"{page_of(account)}?_changelist_filters=plan%3Dfree"
    page = text(support.get(url))
    assert f'<form action="{LIST}" method="post">' in page
    assert f'name="back" value="{url}"' in page
    assert 'value="refresh_from_unipile">Refresh from Unipile</button>' in page

    response = press(support, account, back=url)

    assert response.redirect_chain == [(url, 302)]
    level, words = report(response)
    assert level == "success"
    assert "premium: no → yes" in words
    assert len(sandbox.requests) == 1


def test_button_leads_to_no_other_site(support: Client, account: UnipileAccount) -> None:
    response = press(support, account, back="https://evil.example/")

    assert response.redirect_chain == [(LIST, 302)]


def test_given_up_account_can_only_be_reconnected(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, name="Mara", status="disconnected", answered_at=timezone.now())
    buttons = 'name="action" value="'
    assert text(admin.get(page_of(account))).count(buttons) == 4

    UnipileAccount.objects.update(given_up_at=timezone.now())

    page = text(admin.get(page_of(account)))
    assert page.count(buttons) == 1
    assert "Make a link to reconnect</button>" in page
    assert report(press(admin, account)) == (
        "warning",
        (
            "The account was skipped. Skipped Mara: The account is disconnected, so it was not"
            " read. Reconnect it to LinkedIn first."
        ),
    )


def test_action_asks_linkedin_for_an_upgrade_that_the_copy_lacks(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.set_plan(account.unipile_account_id, premium=True, sales_navigator=True)
    unchanged = report(refresh(support, account))[1]

    level, words = report(refresh(support, account, action="ask_linkedin"))

    assert "premium: no → yes" not in unchanged
    assert level == "success"
    assert "premium: no → yes" in words
    assert "Sales Navigator: no → yes" in words
    assert AccountChange.objects.filter(account=account, door="admin").count() == 2


# --- The report -----------------------------------------------------------------------------------


def test_report_counts_and_names_every_outcome(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payloads = [
        linkedin_account(name="Ada Changed", premium_features=["premium"]),
        linkedin_account(name="Ben Logged-Out", statuses=["CREDENTIALS"]),
        linkedin_account(name="Cem Connecting", omit=["premiumId", "premiumFeatures"]),
        linkedin_account(name="Dov", public_identifier="dov"),
    ]
    url = "https://www.linkedin.com/in/dov"
    accounts = [
        make_account(owner, sandbox, payload=payload, name=payload["name"], profile_url=url)
        for payload in payloads
    ]
    skipped = make_account(owner, sandbox, name="Eva Gone", given_up_at=timezone.now())

    level, words = report(refresh(support, *accounts, skipped))

    assert level == "error"
    assert words.startswith(
        "5 accounts: 2 refreshed (1 changed, 1 unchanged), 1 skipped, 2 failed. Failed"
    )
    assert words.index("Failed") < words.index("Changed Ada") < words.index("Skipped")
    assert "Changed Ada Changed: premium: no → yes" in words
    assert (
        "Ben Logged-Out (status: connected → credentials required):"
        " Reconnect the account to LinkedIn, then refresh it again." in words
    )
    assert "Cem Connecting: The account is still connecting" in words
    assert "Skipped Eva Gone: The account is disconnected" in words
    assert "Dov" not in words


def test_report_warns_when_accounts_were_skipped(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox), make_account(owner, given_up_at=timezone.now())]

    level, words = report(refresh(support, *accounts))

    assert level == "warning"
    assert words.startswith(
        "2 accounts: 1 refreshed (1 changed, 0 unchanged), 1 skipped, 0 failed."
    )


def test_report_names_ten_of_each_kind(support: Client, owner: User, sandbox: Sandbox) -> None:
    for number in range(12):
        payload = linkedin_account(name=f"Upgraded {number}")
        make_account(owner, sandbox, payload=payload)
    for number in range(13):
        payload = linkedin_account(statuses=["CREDENTIALS"])
        make_account(owner, sandbox, payload=payload, name=f"Out {number}")
    for number in range(11):
        make_account(owner, name=f"Gone {number}", given_up_at=timezone.now())

    response = refresh(support, **EVERYTHING)

    _, words = report(response)
    assert len(re.findall(r"Upgraded \d+:", words)) == 10
    assert len(re.findall(r"Out \d+ ", words)) == 10
    assert len(re.findall(r"Gone \d+", words)) == 10
    assert re.findall(r"and (\d+) more", words) == ["3", "2", "1"]
    assert words.count("Reconnect the account to LinkedIn, then refresh it again.") == 1
    assert f'<a href="{LIST}?failed=any">and 3 more</a>' in text(response)


def test_report_escapes_names_and_links_to_accounts(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(name="<b>Mara</b> \u202e&")
    account = make_account(owner, sandbox, payload=payload)

    page = text(refresh(support, account))

    assert "<b>Mara" not in page
    link = f'<a href="{page_of(account)}"><bdi>&lt;b&gt;Mara&lt;/b&gt; \u202e&amp;</bdi></a>'
    assert link in page


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(close=True), "Unipile cannot be reached right now. Nothing was changed. Try again"),
        (
            Fault(status=429, headers={"Retry-After": "570"}),
            "Unipile is rate limiting us. Nothing was changed. Try again in 10 minutes.",
        ),
        (Fault(delay=5), "Unipile did not answer in time."),
    ],
)
def test_failing_unipile_is_a_readable_report(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 1.5)
    free_accounts(owner, sandbox, 25)
    before = table()
    sandbox.inject(fault)

    level, words = report(refresh(support, **EVERYTHING))

    assert level == "error"
    assert words.count(reason) == 1
    assert table() == before
    assert not AccountChange.objects.exists()


def test_rejected_key_is_one_message(support: Client, owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 25)
    sandbox.inject(Fault(status=401, error_type="errors/missing_credentials"))

    assert report(refresh(support, **EVERYTHING)) == (
        "error",
        (
            "No account was refreshed. Unipile refuses this service's API key. Nothing was changed."
            " The operator must check UNIPILE_API_KEY and UNIPILE_DSN. A reconnect does not help."
        ),
    )
    assert len(sandbox.requests) == 1


def test_missing_settings_are_one_message(
    support: Client, account: UnipileAccount, settings: Settings
) -> None:
    settings.UNIPILE_DSN = ""

    level, words = report(refresh(support, account))

    assert level == "error"
    assert words.startswith("No account was refreshed. This service is not set up for Unipile.")


def test_what_was_refreshed_before_stays_refreshed(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    free_accounts(owner, sandbox, 260)
    sandbox.inject(Fault(status=401, error_type="errors/missing_credentials"), page=2)

    level, words = report(refresh(support, **EVERYTHING))

    assert level == "error"
    assert words.startswith(
        "250 accounts: 250 refreshed (250 changed, 0 unchanged), 0 skipped, 0 failed. The remaining"
        " accounts were not refreshed. Unipile refuses this service's API key."
    )
    assert AccountChange.objects.values("account").distinct().count() == 250


def test_failures_without_end_are_cut_short(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 0.2)
    monkeypatch.setattr(refreshing, "SECONDS_TO_FAIL", -1.0)
    free_accounts(owner, sandbox, 40)
    sandbox.inject(Fault(delay=5))

    _, words = report(refresh(support, **EVERYTHING))

    assert words.startswith("The account was not refreshed. 39 accounts were not refreshed in time")


def test_what_is_stored_is_reported_however_late(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 2.0)
    monkeypatch.setattr(refreshing, "SECONDS_TO_FAIL", 0.0)
    free_accounts(owner, sandbox, 400)

    def receive(**kwargs: Any) -> None:
        time.sleep(0.01)

    account_refreshed.connect(receive)
    try:
        level, words = report(refresh(support, **EVERYTHING))
    finally:
        account_refreshed.disconnect(receive)

    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert level == "error"
    assert words.startswith(
        "250 accounts: 250 refreshed (250 changed, 0 unchanged), 0 skipped, 0 failed."
        " 150 accounts were not refreshed in time and did not change."
    )
