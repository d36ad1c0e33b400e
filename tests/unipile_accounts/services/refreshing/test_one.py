from __future__ import annotations

import logging
import uuid
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
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileRateLimited,
    UnipileReconnectRequired,
    UnipileServerError,
    UnipileTimeout,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox, linkedin_account, samples

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")

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
        ({"premium_id": "ACwAAB", "premium_features": None}, PREMIUM | NAMED | CONNECTED),
        ({"premium_features": ["sales_navigator"]}, SALES_NAVIGATOR | NAMED | CONNECTED),
        ({}, FREE | NAMED | CONNECTED),
        ({"omit": ["premiumFeatures"]}, FREE | NAMED | CONNECTED),
        # The status stays unless every source is OK.
        ({"status": "CONNECTING"}, FREE | NAMED),
        ({"status": "STOPPED", "premium_features": ["premium"]}, PREMIUM | NAMED),
        ({"sources": []}, FREE | NAMED),
        ({"sources": [{"status": "OK"}, {"status": "STOPPED"}]}, FREE | NAMED),
        # Name and address stay where Unipile gives none.
        ({"name": " ", "public_identifier": None}, FREE | CONNECTED),
        ({"omit": ["name", "publicIdentifier"]}, FREE | CONNECTED),
        # Text is made storable.
        ({"name": "A\0\ud800B"}, FREE | NAMED | CONNECTED | {"name": "AB"}),
        ({"name": "\U0001f680" * 300}, FREE | NAMED | CONNECTED | {"name": "\U0001f680" * 255}),
        ({"public_identifier": "é" * 400}, FREE | CONNECTED | {"name": "New name"}),
        # Keys that nobody promised.
        ({"proxy": {"password": "x"}, "organizations": "none"}, FREE | NAMED | CONNECTED),
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


def test_second_refresh_changes_only_the_time(account: UnipileAccount) -> None:
    refresh(account)
    before = stored(account)

    result = refresh(account)

    after = stored(account)
    assert result.stored
    assert result.changes == {}
    assert after["refreshed_at"] > before["refreshed_at"]
    stamps = {name: after[name] for name in (*STAMPS, "refreshed_at")}
    assert after == {**before, **stamps}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, FREE),
        (2, PREMIUM),
        (3, SALES_NAVIGATOR),
        (4, SALES_NAVIGATOR),
        (5, PREMIUM),
        (6, UnipileReconnectRequired),
        (7, FREE),
        (8, UnipilePremiumStatusPending),
    ],
)
def test_samples_are_refreshed(owner: User, sandbox: Sandbox, number: int, expected: Any) -> None:
    payload = [sample for sample in samples() if sample["type"] == "LINKEDIN"][number - 1]
    account = make_account(owner, sandbox, payload=payload)

    if isinstance(expected, dict):
        refresh(account)
        assert expected.items() <= stored(account).items()
        assert stored(account)["name"] == payload["name"]
    else:
        with pytest.raises(expected):
            refresh(account)
        assert FREE.items() <= stored(account).items()


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [
        (Fault(status=400), UnipileAPIError, 1),
        (Fault(status=401), UnipileAuthenticationError, 1),
        (Fault(status=404, body=b"<html>"), UnipileAPIError, 1),
        (Fault(status=429), UnipileRateLimited, 1),
        (Fault(status=500), UnipileServerError, 2),
        (Fault(status=503), UnipileUnavailable, 2),
        (Fault(status=503, headers={"Retry-After": "9"}), UnipileUnavailable, 1),
        (Fault(close=True), UnipileUnavailable, 2),
        (Fault(status=302), UnipileUnexpectedAnswer, 1),
        (Fault(body=b"<html>"), UnipileUnexpectedAnswer, 1),
    ],
)
def test_row_stays_when_there_is_no_verdict(
    account: UnipileAccount,
    sandbox: Sandbox,
    received: list[dict[str, Any]],
    fault: Fault,
    error: type[UnipileError],
    requests: int,
) -> None:
    sandbox.inject(fault)
    before = stored(account)

    with pytest.raises(UnipileError) as caught:
        refresh(account)

    assert type(caught.value) is error
    assert stored(account) == before
    assert sandbox.request_count == requests
    assert received == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"omit": NO_KEYS}, UnipilePremiumStatusPending),
        ({"type": "WHATSAPP"}, UnipileNotLinkedIn),
        ({"premium_features": 5}, UnipileUnexpectedAnswer),
    ],
)
def test_row_stays_when_the_payload_says_nothing(
    account: UnipileAccount, sandbox: Sandbox, change: dict[str, Any], error: type[UnipileError]
) -> None:
    sandbox.update(account.unipile_account_id, **change)
    before = stored(account)

    with pytest.raises(error):
        refresh(account)

    assert stored(account) == before
    assert sandbox.request_count == 1


def test_timeout_is_not_tried_again(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_TIMEOUT = 0.2
    sandbox.inject(Fault(delay=60))
    before = stored(account)

    with pytest.raises(UnipileTimeout):
        refresh(account)

    assert stored(account) == before
    assert sandbox.request_count == 1


@pytest.mark.parametrize("fault", [Fault(close=True), Fault(cut=20), Fault(status=503)])
def test_passing_fault_costs_one_more_request(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.inject(fault, times=1)

    assert refresh(account).outcome == "refreshed"
    assert sandbox.request_count == 2
    assert FREE.items() <= stored(account).items()


def test_there_is_no_third_request(account: UnipileAccount, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=500), times=2)

    with pytest.raises(UnipileAPIError):
        refresh(account)

    assert sandbox.request_count == 2


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


@pytest.mark.parametrize("status", ["connected", "credentials_required"])
def test_account_gone_at_unipile_is_disconnected(
    account: UnipileAccount, sandbox: Sandbox, received: list[dict[str, Any]], status: str
) -> None:
    make_account(account.user, sandbox)
    UnipileAccount.objects.filter(pk=account.pk).update(status=status)
    sandbox.remove(account.unipile_account_id)
    before = stored(account)

    with pytest.raises(UnipileReconnectRequired):
        refresh(account)

    after = stored(account)
    assert after["answered_at"] is not None
    stamps = {name: after[name] for name in STAMPS}
    assert after == {**before, **stamps, "status": "disconnected"}
    assert received[0]["changes"] == {"status": (status, "disconnected")}


def test_login_lost_again_is_no_change(
    account: UnipileAccount, sandbox: Sandbox, received: list[dict[str, Any]]
) -> None:
    sandbox.update(account.unipile_account_id, status="CREDENTIALS", premium_features=["premium"])
    before = stored(account)

    with pytest.raises(UnipileReconnectRequired):
        refresh(account)

    after = stored(account)
    assert after["answered_at"] is not None
    stamps = {name: after[name] for name in STAMPS}
    assert after == {**before, **stamps}
    assert received[0]["changes"] == {}


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


def test_account_outside_the_selection_is_missing(
    account: UnipileAccount, stranger: User, sandbox: Sandbox
) -> None:
    before = stored(account)

    for accounts, pk in (
        (UnipileAccount.objects.owned_by(stranger), account.pk),
        (UnipileAccount.objects.all(), uuid.uuid4()),
    ):
        with pytest.raises(UnipileAccount.DoesNotExist):
            refresh_account(accounts, pk, door=Door.API)

    assert stored(account) == before
    assert sandbox.request_count == 0


def test_missing_settings_stop_the_refresh(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_API_KEY = ""
    before = stored(account)

    with pytest.raises(UnipileNotConfigured, match="UNIPILE_API_KEY"):
        refresh(account)

    assert stored(account) == before
    assert sandbox.request_count == 0


def test_lost_login_makes_no_plan_known(owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account(premium_features=["sales_navigator"], statuses=["CREDENTIALS"])
    account = make_account(owner, sandbox, payload=payload)

    with pytest.raises(UnipileReconnectRequired):
        refresh(account)

    account.refresh_from_db()
    assert (account.plan, account.refreshed_at) == (None, None)
    assert account.answered_at


def test_row_without_member_gets_it(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, linkedin_id="")

    refresh(account)

    assert stored(account)["linkedin_id"] == sandbox.member_id(account.unipile_account_id)


def test_another_members_login_is_no_answer(account: UnipileAccount, sandbox: Sandbox) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    UnipileAccount.objects.update(linkedin_id="ACoAAanother")
    before = stored(account)

    with pytest.raises(UnipileReconnectRequired, match="another LinkedIn member"):
        refresh(account)

    after = stored(account)
    assert after == {**before, **{name: after[name] for name in STAMPS}}


# --- The signal -----------------------------------------------------------------------------------


@pytest.mark.parametrize("door", Door)
def test_signal_tells_row_changes_and_door(
    account: UnipileAccount, received: list[dict[str, Any]], door: Door
) -> None:
    result = refresh(account, door)

    [given] = received
    assert given["sender"] is UnipileAccount
    assert given["account"] == account
    assert given["account"].name == "New name"
    assert given["door"] is door
    assert given["changes"] == result.changes
    assert given["changes"]["name"].old == "Old name"
    assert given["changes"]["name"].new == "New name"


def test_signal_is_sent_without_changes_too(
    account: UnipileAccount, received: list[dict[str, Any]]
) -> None:
    refresh(account)
    refresh(account)

    assert [bool(given["changes"]) for given in received] == [True, False]


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


def test_failing_receiver_breaks_no_refresh(
    account: UnipileAccount, received: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError("a bug of the receiver")

    account_refreshed.connect(fail)
    try:
        assert refresh(account).outcome == "refreshed"
    finally:
        account_refreshed.disconnect(fail)

    assert stored(account)["name"] == "New name"
    assert len(received) == 1
    assert "a bug of the receiver" in caplog.text


# --- What is logged -------------------------------------------------------------------------------


def test_refresh_is_one_log_record(
    account: UnipileAccount, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "unipile_accounts"):
        refresh(account)

    [record] = [item for item in caplog.records if item.name.startswith("unipile_accounts")]
    assert record.levelno == logging.INFO
    assert str(account.pk) in record.getMessage()
    assert record.__dict__["outcome"] == "refreshed"
    assert record.__dict__["door"] == "api"
    assert "weekly_message_limit" in record.__dict__["changed"]


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
