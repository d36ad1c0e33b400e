from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import (
    page_of,
    press,
    refresh,
    report,
    text,
)
from unipile_accounts.admin import actions
from unipile_accounts.models import AccountChange, UnipileAccount
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
    assert words.startswith("5 accounts: 2 refreshed (1 changed), 1 skipped, 2 failed.")
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
    assert words.startswith("2 accounts: 1 refreshed (1 changed), 1 skipped, 0 failed.")


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
        (Fault(status=503), "Unipile cannot be reached right now."),
        (Fault(status=500), "Unipile gave an answer that cannot be used."),
        (Fault(status=429), "Unipile is rate limiting us."),
        (Fault(status=429, headers={"Retry-After": "3600"}), "Unipile is rate limiting us."),
        (Fault(body=b"<html>"), "Unipile gave an answer that cannot be used."),
        (Fault(delay=5), "Unipile did not answer in time."),
        (Fault(drip_body=0.1), "Unipile did not answer in time."),
    ],
)
@pytest.mark.parametrize("way", ["button", "action", "list"])
@pytest.mark.usefixtures("at_once")
def test_failing_unipile_is_a_readable_message(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 0.5)
    accounts = [make_account(owner, sandbox) for _ in range(25 if way == "list" else 1)]
    before = [stored(account) for account in accounts]
    sandbox.inject(fault)

    response = press(support, accounts[0]) if way == "button" else refresh(support, *accounts)

    level, words = report(response)
    assert level == "error"
    assert reason in words
    assert words.count(reason) == 1
    assert [stored(account) for account in accounts] == before
    assert not AccountChange.objects.exists()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("count", [1, 25])
def test_rejected_key_is_one_message(
    support: Client, owner: User, sandbox: Sandbox, status: int, count: int
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(count)]
    sandbox.inject(Fault(status=status, error_type="errors/missing_credentials"))

    level, words = report(refresh(support, *accounts))

    assert level == "error"
    assert words == (
        "No account was refreshed. Unipile refuses this service's API key. Nothing was changed."
        " The operator must check UNIPILE_API_KEY and UNIPILE_DSN; reconnecting the account does"
        " not help."
    )
    assert len(sandbox.requests) == 1
    assert sandbox.api_key not in words


@pytest.mark.parametrize("setting", ["UNIPILE_DSN", "UNIPILE_API_KEY"])
@pytest.mark.parametrize("way", ["button", "action"])
def test_missing_settings_are_one_message(
    support: Client, owner: User, sandbox: Sandbox, settings: Settings, way: str, setting: str
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    setattr(settings, setting, "")

    response = press(support, accounts[0]) if way == "button" else refresh(support, *accounts)

    assert report(response) == (
        "error",
        (
            "No account was refreshed. This service is not set up for Unipile. The operator"
            " must run manage.py check, or look in the log, where an error names the setting."
        ),
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503), "250 refreshed (250 changed), 0 skipped, 10 failed."),
        (
            Fault(status=401, error_type="errors/missing_credentials"),
            "250 refreshed (250 changed), 0 skipped, 0 failed. The rest was not asked for.",
        ),
        (Fault(delay=5), "250 refreshed (250 changed), 0 skipped, 10 failed."),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_what_was_refreshed_before_stays_refreshed(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 3.0)
    payloads = [linkedin_account() for _ in range(260)]
    sandbox.load(payloads)
    UnipileAccount.objects.bulk_create(
        UnipileAccount(user=owner, unipile_account_id=payload["id"]) for payload in payloads
    )
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
    accounts = [make_account(owner, sandbox) for _ in range(5)]
    before = [stored(account) for account in accounts]
    sandbox.inject(Fault(delay=5))

    # LinkedIn is asked about one account after the other.
    level, words = report(refresh(support, *accounts, action="ask_linkedin"))

    assert level == "error"
    assert words.startswith(
        "1 account: 0 refreshed (0 changed), 0 skipped, 1 failed. 4 accounts were not reached in"
        " time, and are as they were."
    )
    assert [stored(account) for account in accounts] == before


def test_failures_without_end_are_cut_short(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SECONDS", 0.2)
    monkeypatch.setattr(actions, "SECONDS_TO_FAIL", -1.0)
    for _ in range(40):
        make_account(owner, sandbox)
    sandbox.inject(Fault(delay=5))

    _, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert words.startswith("No account was refreshed. 40 accounts were not reached in time")


def test_accounts_of_another_workspace_stay_unchanged(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    for _ in range(30):
        make_account(owner)

    level, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert level == "error"
    assert words.startswith("30 accounts: 0 refreshed (0 changed), 0 skipped, 30 failed.")
    assert "may belong to another workspace" in words
    assert set(UnipileAccount.objects.values_list("status", flat=True)) == {"connected"}
