from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import free_accounts, make_account, table
from tests.unipile_accounts.admin.conftest import (
    page_of,
    refresh,
    report,
    text,
)
from unipile_accounts.admin import actions
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox, linkedin_account


def test_message_counts_and_names_every_outcome(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    make = [
        linkedin_account(name="Ada Changed", premium_features=["premium"]),
        linkedin_account(name="Ben Logged-Out", statuses=["CREDENTIALS"]),
        linkedin_account(name="Cem Connecting", omit=["premiumId", "premiumFeatures"]),
    ]
    accounts = [
        make_account(owner, sandbox, payload=payload, name=payload["name"]) for payload in make
    ]
    unchanged = make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="Dov", public_identifier="dov"),
        name="Dov",
        profile_url="https://www.linkedin.com/in/dov",
    )
    skipped = make_account(owner, sandbox, name="Eva Gone", given_up_at=timezone.now())

    level, words = report(refresh(support, *accounts, unchanged, skipped))

    assert level == "error"
    assert words.startswith(
        "5 accounts: 2 refreshed (1 changed, 1 unchanged), 1 skipped, 2 failed."
    )
    assert "Changed Ada Changed: premium: no → yes" in words
    assert words.index("Failed") < words.index("Changed Ada")
    assert (
        "Ben Logged-Out (status: connected → credentials required):"
        " Reconnect the account to LinkedIn, then refresh it again." in words
    )
    assert "Cem Connecting: The account is still connecting" in words
    assert "Skipped Eva Gone: The account is disconnected" in words
    assert "Dov" not in words


def test_message_warns_when_accounts_were_skipped(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox), make_account(owner, given_up_at=timezone.now())]

    level, words = report(refresh(support, *accounts))

    assert level == "warning"
    assert words.startswith(
        "2 accounts: 1 refreshed (1 changed, 0 unchanged), 1 skipped, 0 failed."
    )


def test_message_names_ten_of_each_kind(support: Client, owner: User, sandbox: Sandbox) -> None:
    upgraded = [
        make_account(owner, sandbox, payload=linkedin_account(name=f"Upgraded {number}"))
        for number in range(12)
    ]
    logged_out = [
        make_account(
            owner, sandbox, payload=linkedin_account(statuses=["CREDENTIALS"]), name=f"Out {number}"
        )
        for number in range(13)
    ]
    gone = [
        make_account(owner, name=f"Gone {number}", given_up_at=timezone.now())
        for number in range(11)
    ]

    _, words = report(refresh(support, *upgraded, *logged_out, *gone))

    assert len(re.findall(r"Upgraded \d+:", words)) == 10
    assert len(re.findall(r"Out \d+ ", words)) == 10
    assert len(re.findall(r"Gone \d+", words)) == 10
    assert re.findall(r"and (\d+) more", words) == ["3", "2", "1"]
    assert words.count("Reconnect the account to LinkedIn, then refresh it again.") == 1


def test_message_escapes_names_and_links_to_accounts(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(name="<b>Mara</b> \u202e&")
    account = make_account(owner, sandbox, payload=payload)

    page = text(refresh(support, account))

    assert "<b>Mara" not in page
    link = f'<a href="{page_of(account)}"><bdi>&lt;b&gt;Mara&lt;/b&gt; \u202e&amp;</bdi></a>'
    assert page.count(link) == 2


def test_long_message_arrives_whole(support: Client, owner: User, sandbox: Sandbox) -> None:
    names = [f"{number}-" + "ü" * 250 for number in range(10)]
    accounts = [make_account(owner, sandbox, payload=linkedin_account(name=name)) for name in names]

    _, words = report(refresh(support, *accounts))

    assert all(f"name: none → {name}" in words for name in names)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(close=True), "Unipile cannot be reached right now."),
        (Fault(status=429), "Unipile is rate limiting us. Nothing was changed. Try again later."),
        (
            Fault(status=429, headers={"Retry-After": "570"}),
            "Unipile is rate limiting us. Nothing was changed. Try again in 10 minutes.",
        ),
        (
            Fault(status=503, headers={"Retry-After": "60"}),
            "Unipile cannot be reached right now. Nothing was changed. Try again in 1 minute.",
        ),
        (Fault(body=b"<html>"), "We could not read Unipile's answer."),
        (Fault(delay=5), "Unipile did not answer in time."),
    ],
)
@pytest.mark.parametrize("count", [1, 25])
def test_failing_unipile_is_a_readable_message(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 1.5)
    accounts = free_accounts(owner, sandbox, count)
    before = table()
    sandbox.inject(fault)

    level, words = report(refresh(support, *accounts))

    assert level == "error"
    assert words.count(reason) == 1
    assert table() == before
    assert not AccountChange.objects.exists()


@pytest.mark.parametrize("count", [1, 25])
def test_rejected_key_is_one_message(
    support: Client, owner: User, sandbox: Sandbox, count: int
) -> None:
    accounts = free_accounts(owner, sandbox, count)
    sandbox.inject(Fault(status=401, error_type="errors/missing_credentials"))

    level, words = report(refresh(support, *accounts))

    assert level == "error"
    assert words == (
        "No account was refreshed. Unipile refuses this service's API key. Nothing was changed."
        " The operator must check UNIPILE_API_KEY and UNIPILE_DSN. A reconnect does not"
        " help."
    )
    assert len(sandbox.requests) == 1
    assert sandbox.api_key not in words


def test_missing_settings_are_one_message(
    support: Client, account: UnipileAccount, settings: Settings
) -> None:
    settings.UNIPILE_DSN = ""

    level, words = report(refresh(support, account))

    assert level == "error"
    assert words.startswith("No account was refreshed. This service is not set up for Unipile.")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503), "250 refreshed (250 changed, 0 unchanged), 0 skipped, 10 failed."),
        (
            Fault(status=401, error_type="errors/missing_credentials"),
            "0 skipped, 0 failed. The remaining accounts were not refreshed.",
        ),
    ],
)
def test_what_was_refreshed_before_stays_refreshed(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 3.0)
    free_accounts(owner, sandbox, 260)
    sandbox.inject(fault, page=2)

    response = refresh(support, _selected_action=["x"], select_across="1")

    level, words = report(response)
    assert level == "error"
    assert reason in words
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert AccountChange.objects.values("account").distinct().count() == 250


def test_accounts_not_reached_in_time_are_counted(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 0.2)
    accounts = free_accounts(owner, sandbox, 5)
    before = table()
    sandbox.inject(Fault(delay=5))

    # LinkedIn is asked about one account after the other.
    level, words = report(refresh(support, *accounts, action="ask_linkedin"))

    assert level == "error"
    assert words.startswith(
        "1 account: 0 refreshed (0 changed, 0 unchanged), 0 skipped, 1 failed. 4 accounts were not"
        " refreshed in time and did not change."
    )
    assert table() == before


def test_what_is_stored_is_reported_however_late(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 2.0)
    monkeypatch.setattr(actions, "SECONDS_TO_FAIL", 0.0)
    free_accounts(owner, sandbox, 400)

    def receive(**kwargs: Any) -> None:
        time.sleep(0.01)

    account_refreshed.connect(receive)
    try:
        level, words = report(refresh(support, _selected_action=["x"], select_across="1"))
    finally:
        account_refreshed.disconnect(receive)

    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert level == "error"
    assert words.startswith(
        "250 accounts: 250 refreshed (250 changed, 0 unchanged), 0 skipped, 0 failed."
        " 150 accounts were not refreshed in time and did not change."
    )


def test_failures_without_end_are_cut_short(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 0.2)
    monkeypatch.setattr(actions, "SECONDS_TO_FAIL", -1.0)
    free_accounts(owner, sandbox, 40)
    sandbox.inject(Fault(delay=5))

    _, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert words.startswith(
        "1 account: 0 refreshed (0 changed, 0 unchanged), 0 skipped, 1 failed. 39 accounts"
    )


def test_accounts_of_another_workspace_stay_unchanged(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    for _ in range(30):
        make_account(owner)

    level, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert level == "error"
    assert words.startswith(
        "30 accounts: 0 refreshed (0 changed, 0 unchanged), 0 skipped, 30 failed."
    )
    assert "may be another workspace's" in words
    assert set(UnipileAccount.objects.values_list("status", flat=True)) == {"connected"}
