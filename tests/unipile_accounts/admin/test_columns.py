from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import make_account
from tests.unipile_accounts.admin.conftest import (
    LIST,
    page_of,
    refresh,
    staff,
    text,
)
from unipile_accounts.models import UnipileAccount


def test_list_shows_the_state_of_an_account(admin: Client, owner: User) -> None:
    account = make_account(
        owner,
        name="Mara Feldkamp",
        status="credentials_required",
        is_premium=True,
        weekly_connection_limit=100,
        weekly_message_limit=150,
        refreshed_at=timezone.now() - timedelta(hours=3, minutes=10),
    )

    page = text(admin.get(LIST))

    assert f'<a href="{page_of(account)}"><bdi>Mara Feldkamp</bdi></a>' in page
    assert "<bdi>owner</bdi>" in page
    assert account.unipile_account_id in page
    assert re.search(r'<img src="[^"]*icon-alert\.svg" alt=""> credentials required', page)
    assert "100 connections<br>150 messages" in page
    assert "3\xa0hours ago</time>" in page


@pytest.mark.parametrize(
    ("zone", "exact"),
    [("UTC", "2026-03-01 23:30:05 UTC"), ("Asia/Tokyo", "2026-03-02 08:30:05 JST")],
)
def test_exact_time_is_in_the_active_zone(
    admin: Client, owner: User, settings: Settings, zone: str, exact: str
) -> None:
    settings.TIME_ZONE = zone
    account = make_account(owner, refreshed_at=datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC))

    assert f'title="{exact}"' in text(admin.get(LIST))
    assert exact in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "never"), (-30, "never"), (5, "just now"), (125, "minutes ago")],
)
def test_list_tells_how_long_ago_it_was(
    admin: Client, owner: User, seconds: float | None, shown: str
) -> None:
    then = None if seconds is None else timezone.now() - timedelta(seconds=seconds)
    make_account(owner, refreshed_at=then)

    assert shown in text(admin.get(LIST))


def test_account_without_a_name_can_be_opened(admin: Client, owner: User) -> None:
    account = make_account(owner)

    assert f'<a href="{page_of(account)}">(no name yet)</a>' in text(admin.get(LIST))


@pytest.mark.parametrize("status", UnipileAccount.Status.values)
def test_list_says_the_status_in_words(admin: Client, owner: User, status: str) -> None:
    make_account(owner, status=status, refreshed_at=timezone.now())

    label = UnipileAccount.Status(status).label
    assert re.search(rf'alt=""> {label}</td>', text(admin.get(LIST)))


def test_profile_is_a_link_that_opens_safely(admin: Client, owner: User) -> None:
    url = "https://www.linkedin.com/in/mara%22-feldkamp"
    account = make_account(owner, profile_url=url)

    link = f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>'
    assert link in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://www.linkedin.com/in/mara",
        "https://www.linkedin.com.evil.example/in/mara",
        "https://evil.example/https://www.linkedin.com/in/mara",
        "https://www.linkedin.com/redir?url=x",
        "https://www.linkedin.com@evil.example/in/mara",
        " https://www.linkedin.com/in/mara",
        "//www.linkedin.com/in/mara",
    ],
)
@pytest.mark.parametrize("permissions", [["view_unipileaccount"], ["change_unipileaccount"]])
def test_any_other_address_is_never_a_link(owner: User, url: str, permissions: list[str]) -> None:
    account = make_account(owner, profile_url=url)

    page = text(staff(*permissions).get(page_of(account)))

    assert f'href="{url}"' not in page
    assert url in page


def test_everything_from_outside_is_escaped(admin: Client, owner: User) -> None:
    evil = "<script>alert(1)</script>"
    User.objects.filter(pk=owner.pk).update(username=evil)
    account = make_account(owner, name=evil, profile_url=evil)
    UnipileAccount.objects.update(unipile_account_id=evil)

    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/", f"{LIST}?q={evil}"):
        assert evil not in text(admin.get(url))
    assert evil not in text(refresh(admin, account))
