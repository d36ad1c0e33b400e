from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import (
    LIST,
    found,
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
    User.objects.update(email="lena@customer.example")

    page = text(admin.get(LIST))

    assert f'<a href="{page_of(account)}"><bdi>Mara Feldkamp</bdi></a>' in page
    assert '<bdi>owner</bdi></a><br><span class="quiet"><bdi>lena@customer.example</bdi>' in page
    assert account.unipile_account_id not in page
    assert re.search(r'<img src="[^"]*icon-alert\.svg" alt=""> credentials required', page)
    assert "100 connections<br>150 messages" in page
    assert "premium<br>" in page
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
    assert f'title="{exact}"' in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "never"), (-90, "in the future"), (5, "just now"), (125, "minutes ago")],
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
        "https://www.linkedin.com@evil.example/in/mara",
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


@pytest.mark.parametrize("status", ["connected", "credentials_required"])
def test_plan_that_no_answer_told_is_unknown(admin: Client, owner: User, status: str) -> None:
    answered_at = None if status == "connected" else timezone.now()
    account = make_account(owner, status=status, is_premium=True, answered_at=answered_at)

    for page in (text(admin.get(LIST)), text(admin.get(page_of(account)))):
        unknowns = page.count('<span class="quiet">unknown</span>')
        assert unknowns >= (3 if answered_at is None else 2)
        assert '<span class="quiet">never</span>' in page
        assert "80 connections" not in page
        assert "icon-yes.svg" not in page


@pytest.mark.parametrize(
    ("row", "plan"),
    [
        ({}, "free"),
        ({"is_premium": True}, "premium"),
        ({"is_premium": True, "has_sales_navigator": True}, "Sales Navigator"),
    ],
)
def test_plan_is_said_without_an_alarm(
    admin: Client, owner: User, row: dict[str, Any], plan: str
) -> None:
    account = make_account(owner, refreshed_at=timezone.now(), **row)

    for page in (text(admin.get(LIST)), text(admin.get(page_of(account)))):
        assert f'{plan}<br><span class="quiet">Unipile\'s copy</span>' in unescape(page)
        assert "icon-no.svg" not in page


def test_plan_tells_when_linkedin_was_asked(admin: Client, owner: User) -> None:
    now = timezone.now()
    account = make_account(
        owner, refreshed_at=now, live_checked_at=now - timedelta(minutes=2, seconds=5)
    )

    for url in (LIST, page_of(account)):
        assert re.search(r"LinkedIn, <time [^>]*>2\xa0minutes ago</time>", text(admin.get(url)))


def test_given_up_account_is_no_alarm(admin: Client, owner: User) -> None:
    make_account(owner, status="disconnected", given_up_at=timezone.now())

    assert '<span class="quiet">given up</span>' in text(admin.get(LIST))


@pytest.mark.parametrize(
    ("code", "first", "rest"),
    [
        ("unipile_timeout", "Unipile did not answer in time.", "Nothing was changed. Try again"),
        ("account_unavailable", "LinkedIn is blocking this account.", "Check the account"),
        ("not_a_code_any_more", "not_a_code_any_more", ""),
    ],
)
def test_last_error_is_the_reports_sentence(
    admin: Client, owner: User, code: str, first: str, rest: str
) -> None:
    account = make_account(owner, last_tried_at=timezone.now(), last_error=code)

    assert f'<span title="{code}">{first}</span><br>' in text(admin.get(LIST))
    page = text(admin.get(page_of(account)))
    assert f'just now</time>: <span title="{code}">{first}' in page
    assert rest in page


def test_owner_leads_to_all_their_accounts(admin: Client, owner: User, stranger: User) -> None:
    mine, also_mine = make_account(owner), make_account(owner)
    make_account(stranger)

    assert f'<a href="{LIST}?user={owner.pk}"><bdi>owner</bdi></a>' in text(admin.get(LIST))
    assert found(admin, user=str(owner.pk)) == {mine, also_mine}


def test_page_links_accounts_of_the_same_member(admin: Client, owner: User, stranger: User) -> None:
    shared = "ACoAAB00000000000000000000000000000001A"
    account, other = (make_account(user, linkedin_id=shared) for user in (owner, stranger))
    alone = make_account(owner, linkedin_id="ACoAAB1")

    assert f'href="{LIST}?linkedin_id={shared}"' in text(admin.get(page_of(account)))
    assert "?linkedin_id=" not in text(admin.get(page_of(alone)))
    assert found(admin, linkedin_id=shared) == {account, other}


@pytest.mark.parametrize("may_look", [False, True])
def test_page_leads_to_the_owner(owner: User, *, may_look: bool) -> None:
    account = make_account(owner)
    client = staff("view_unipileaccount", *(["view_user"] if may_look else []))

    assert ("/admin/auth/user/" in text(client.get(page_of(account)))) is may_look
