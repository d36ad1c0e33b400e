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
from tests.unipile_accounts.admin.conftest import LIST, found, page_of, text
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

    assert f'<a href="{page_of(account)}">Mara Feldkamp</a>' in page
    assert 'owner</a><br><span class="quiet">lena@customer.example</span>' in page
    assert account.unipile_account_id not in page
    assert re.search(r'<img src="[^"]*icon-alert\.svg" alt=""> credentials required', page)
    assert "100 connections<br>150 messages" in page
    assert "premium<br>" in page
    assert "3\xa0hours ago</time>" in page


def test_exact_time_is_in_the_active_zone(admin: Client, owner: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    make_account(owner, refreshed_at=datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC))

    assert 'title="2026-03-02 08:30:05 JST"' in text(admin.get(LIST))


def test_account_without_a_name_can_be_opened(admin: Client, account: UnipileAccount) -> None:
    UnipileAccount.objects.update(name="")

    assert f'<a href="{page_of(account)}">(no name yet)</a>' in text(admin.get(LIST))


def test_everything_from_outside_is_escaped(admin: Client, owner: User) -> None:
    evil = "<script>alert(1)</script>"
    User.objects.filter(pk=owner.pk).update(username=evil)
    account = make_account(owner, name=evil, profile_url=evil)
    UnipileAccount.objects.update(unipile_account_id=evil)

    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/", f"{LIST}?q={evil}"):
        assert evil not in text(admin.get(url))


@pytest.mark.parametrize("status", ["connected", "credentials_required"])
def test_plan_that_no_answer_told_is_unknown(admin: Client, owner: User, status: str) -> None:
    answered_at = None if status == "connected" else timezone.now()
    account = make_account(owner, status=status, is_premium=True, answered_at=answered_at)

    page = text(admin.get(LIST))
    assert '<td class="field-plan">unknown</td>' in page
    assert '<td class="field-weekly_limits">unknown</td>' in page
    assert '<td class="field-last_refreshed">never</td>' in page
    assert ('<td class="field-status">unknown</td>' in page) is (answered_at is None)
    assert "80 connections" not in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    ("row", "plan"),
    [
        ({}, "free"),
        ({"is_premium": True}, "premium"),
        ({"is_premium": True, "has_sales_navigator": True}, "Sales Navigator"),
    ],
)
def test_plan_is_said_with_its_source(
    admin: Client, owner: User, row: dict[str, Any], plan: str
) -> None:
    now = timezone.now()
    account = make_account(owner, refreshed_at=now, **row)
    copied = f'{plan}<br><span class="quiet">Unipile\'s copy</span>'
    live = rf"{plan}<br><span class=\"quiet\">LinkedIn, <time [^>]*>2\xa0minutes ago</time>"

    for url in (LIST, page_of(account)):
        assert copied in unescape(text(admin.get(url)))
    UnipileAccount.objects.update(live_checked_at=now - timedelta(minutes=2, seconds=5))
    for url in (LIST, page_of(account)):
        assert re.search(live, text(admin.get(url)))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("unipile_timeout", "Unipile did not answer in time."),
        ("reconnect_required", "Reconnect the account to LinkedIn, then refresh it again."),
        ("not_a_code_any_more", "not_a_code_any_more"),
    ],
)
def test_last_error_is_the_reports_sentence(
    admin: Client, owner: User, code: str, sentence: str
) -> None:
    account = make_account(owner, last_tried_at=timezone.now(), last_error=code)

    for url in (LIST, page_of(account)):
        assert f'<span title="{code}">{sentence}</span><br>' in text(admin.get(url))


def test_owner_and_member_lead_to_all_their_accounts(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner, linkedin_id="ACoAAB1")
    same_owner = make_account(owner)
    same_member = make_account(stranger, linkedin_id="ACoAAB1")

    assert f'<a href="{LIST}?user={owner.pk}">owner</a>' in text(admin.get(LIST))
    assert found(admin, user=str(owner.pk)) == {account, same_owner}
    assert f'href="{LIST}?linkedin_id=ACoAAB1"' in text(admin.get(page_of(account)))
    assert found(admin, linkedin_id="ACoAAB1") == {account, same_member}
