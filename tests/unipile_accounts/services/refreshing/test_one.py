from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import make_account, stored
from unipile_accounts.exceptions import (
    UnipileAccountDisconnected,
    UnipileAPIError,
    UnipileError,
    UnipileReconnectRequired,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox, linkedin_account

FREE = {
    "is_premium": False,
    "has_sales_navigator": False,
    "weekly_connection_limit": 80,
    "weekly_message_limit": 100,
}
PREMIUM = {
    "is_premium": True,
    "has_sales_navigator": False,
    "weekly_connection_limit": 100,
    "weekly_message_limit": 150,
}
SALES_NAVIGATOR = {**PREMIUM, "has_sales_navigator": True}
NAMED = {"name": "New name", "profile_url": "https://www.linkedin.com/in/new"}
CONNECTED = {"status": "connected"}
# What every stored answer moves. One that holds a plan moves `refreshed_at` too.
STAMPS = ("answered_at", "version", "updated_at")


def refresh(account: UnipileAccount, door: Door = Door.API) -> RefreshResult:
    return refresh_account(UnipileAccount.objects.all(), account.pk, door=door)


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """A row in which nothing is as Unipile says, so that what is written and what stays shows."""
    return make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="New name", public_identifier="new"),
        name="Old name",
        profile_url="https://www.linkedin.com/in/old",
        status="credentials_required",
        weekly_connection_limit=7,
        weekly_message_limit=9,
    )


# --- From payload to row --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"premium_features": ["recruiter"]}, PREMIUM | NAMED | CONNECTED),
        ({"premium_features": ["sales_navigator"]}, SALES_NAVIGATOR | NAMED | CONNECTED),
        ({}, FREE | NAMED | CONNECTED),
        # The status stays unless every source is OK.
        ({"status": "CONNECTING"}, FREE | NAMED),
        # Name and address stay where Unipile gives none.
        ({"name": " ", "public_identifier": None}, FREE | CONNECTED),
        # Text is made storable.
        ({"name": "A\0\ud800B"}, FREE | NAMED | CONNECTED | {"name": "AB"}),
    ],
)
def test_refresh_writes_what_unipile_says(
    account: UnipileAccount, sandbox: Sandbox, change: dict[str, Any], written: dict[str, Any]
) -> None:
    sandbox.update(account.unipile_account_id, **change)
    before = stored(account)

    result = refresh(account)

    after = stored(account)
    assert result.outcome == "refreshed"
    assert after["refreshed_at"] is not None
    assert after["updated_at"] > before["updated_at"]
    stamps = {name: after[name] for name in (*STAMPS, "refreshed_at")}
    assert after == {**before, **written, **stamps}
    assert result.changes == {
        name: (before[name], new) for name, new in written.items() if before[name] != new
    }
    assert {name: getattr(result.account, name) for name in written} == written


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(status=503)])
def test_passing_fault_costs_one_more_request(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.inject(fault, times=1)

    assert refresh(account).outcome == "refreshed"
    assert sandbox.request_count == 2
    assert FREE.items() <= stored(account).items()


def test_second_request_needs_time_that_is_left(
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.3)
    settings.UNIPILE_TIMEOUT = 0.3
    sandbox.inject(Fault(status=500, delay=0.05))

    with pytest.raises(UnipileError):
        refresh(account)

    assert sandbox.request_count == 1


def test_account_gone_at_unipile_is_disconnected(
    account: UnipileAccount, sandbox: Sandbox, received: list[dict[str, Any]]
) -> None:
    make_account(account.user, sandbox)
    sandbox.remove(account.unipile_account_id)
    before = stored(account)

    with pytest.raises(UnipileReconnectRequired):
        refresh(account)

    after = stored(account)
    assert after["answered_at"] is not None
    stamps = {name: after[name] for name in STAMPS}
    assert after == {**before, **stamps, "status": "disconnected"}
    assert received[0]["changes"] == {"status": ("credentials_required", "disconnected")}


def test_row_given_up_is_not_asked_for(
    account: UnipileAccount, sandbox: Sandbox, received: list[dict[str, Any]]
) -> None:
    UnipileAccount.objects.filter(pk=account.pk).update(
        status="disconnected", given_up_at=timezone.now()
    )
    before = stored(account)

    with pytest.raises(UnipileAccountDisconnected):
        refresh(account)

    assert stored(account) == before
    assert sandbox.request_count == 0
    assert received == []


# --- The signal -----------------------------------------------------------------------------------


def test_signal_tells_row_changes_and_door(
    account: UnipileAccount, received: list[dict[str, Any]]
) -> None:
    result = refresh(account, Door.EVENT)

    [given] = received
    assert given["sender"] is UnipileAccount
    assert given["account"] == account
    assert given["account"].name == "New name"
    assert given["door"] is Door.EVENT
    assert given["changes"] == result.changes
    assert given["changes"]["name"].old == "Old name"
    assert given["changes"]["name"].new == "New name"


@pytest.mark.django_db(transaction=True)
def test_signal_is_sent_after_the_commit(account: UnipileAccount) -> None:
    seen = []

    def receive(account: UnipileAccount, **_: Any) -> None:
        in_transaction = connection.in_atomic_block
        # What was not committed is gone with the connection.
        connection.close()
        seen.append((in_transaction, stored(account)["name"]))

    account_refreshed.connect(receive)
    try:
        refresh(account)
    finally:
        account_refreshed.disconnect(receive)

    assert seen == [(False, "New name")]


# --- What is logged -------------------------------------------------------------------------------


def test_failed_refresh_logs_its_reason(
    account: UnipileAccount, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.inject(Fault(status=500, error_type="errors/provider_error"))

    with caplog.at_level(logging.INFO, "unipile_accounts"), pytest.raises(UnipileAPIError):
        refresh(account)

    [record] = [item for item in caplog.records if item.name.startswith("unipile_accounts")]
    assert record.__dict__["outcome"] == "failed"
    assert record.__dict__["code"] == "unipile_error"
    assert "500 errors/provider_error" in record.getMessage()
