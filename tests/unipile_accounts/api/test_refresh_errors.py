"""What a refresh answers where Unipile says nothing of the plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, stored
from tests.unipile_accounts.api.conftest import refresh, set_rates
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox, linkedin_account

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
RESTRICTED = "errors/account_restricted"
WAIT_7 = {"Retry-After": "7"}


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


@pytest.mark.parametrize(
    ("fault", "requests", "status", "code", "retry_after"),
    [
        (Fault(status=401), 1, 502, "unipile_authentication", None),
        (Fault(status=401, error_type=RESTRICTED), 1, 409, "account_unavailable", None),
        (Fault(status=404, body=b"<html>"), 1, 502, "unipile_error", None),
        (Fault(status=500), 2, 502, "unipile_error", None),
        (Fault(status=429), 1, 503, "unipile_rate_limited", "60"),
        (Fault(status=429, headers=WAIT_7), 1, 503, "unipile_rate_limited", "7"),
        (Fault(close=True), 2, 503, "unipile_unavailable", "30"),
    ],
)
def test_answer_without_verdict_changes_no_row(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    fault: Fault,
    requests: int,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    sandbox.inject(fault)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before
    assert sandbox.request_count == requests


def test_answer_that_takes_too_long_is_a_timeout(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_TIMEOUT = 0.3
    sandbox.inject(Fault(drip_body=0.02))
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 504)["code"] == "unipile_timeout"
    assert "Retry-After" not in response
    assert stored(account) == before
    assert sandbox.request_count == 1


@pytest.mark.parametrize(
    ("change", "status", "code", "retry_after"),
    [
        ({"omit": NO_KEYS}, 503, "premium_status_pending", "60"),
        ({"type": "WHATSAPP"}, 409, "not_linkedin", None),
        ({"premium_features": "premium"}, 502, "unipile_error", None),
    ],
)
def test_payload_without_verdict_changes_no_row(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    change: dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    sandbox.update(account.unipile_account_id, **change)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before
    assert sandbox.request_count == 1


@pytest.mark.parametrize(
    ("fault", "new_status"),
    [
        (Fault(status=404, error_type="errors/resource_not_found"), "disconnected"),
        (Fault(status=401, error_type="errors/expired_credentials"), "credentials_required"),
    ],
)
def test_lost_account_gets_its_status_only(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, fault: Fault, new_status: str
) -> None:
    make_account(account.user, sandbox)
    sandbox.inject(fault, account_id=account.unipile_account_id)
    before = stored(account)

    response = refresh(api, account.pk)

    assert_reconnect_required(response)
    assert_only_status_is_new(before, stored(account), new_status)
    # The list shows whether the workspace is ours.
    assert sandbox.request_count == (2 if new_status == "disconnected" else 1)


def test_lost_login_of_a_source_is_stored(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, status="CREDENTIALS", omit=NO_KEYS)
    before = stored(account)

    assert_reconnect_required(refresh(api, account.pk))
    assert_only_status_is_new(before, stored(account), "credentials_required")


def assert_reconnect_required(response: Any) -> None:
    error = error_of(response, 409)
    assert error["code"] == "reconnect_required"
    assert "econnect the account" in error["detail"]
    assert "Retry-After" not in response


def assert_only_status_is_new(before: dict[str, Any], after: dict[str, Any], status: str) -> None:
    """The time of the answer is stored. That of the plan stays, as the plan does."""
    assert after["answered_at"] is not None
    assert after["version"] == before["version"] + 1
    stamps = {name: after[name] for name in ("answered_at", "version", "updated_at")}
    assert after == {**before, **stamps, "status": status}


def test_account_that_was_gone_comes_back_by_itself(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    make_account(account.user, sandbox)
    payload = sandbox.get(account.unipile_account_id)
    sandbox.remove(account.unipile_account_id)
    assert error_of(refresh(api, account.pk), 409)["code"] == "reconnect_required"
    assert stored(account)["status"] == "disconnected"

    sandbox.add(payload)

    assert refresh(api, account.pk).status_code == 200
    assert stored(account)["status"] == "connected"


def test_wrong_workspace_disconnects_nobody(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    other = make_account(account.user, sandbox)
    sandbox.remove(account.unipile_account_id)
    sandbox.remove(other.unipile_account_id)
    sandbox.add(linkedin_account("somebody-elses"))
    before = stored(account), stored(other)

    for each in (account, other):
        error = error_of(refresh(api, each.pk), 502)
        assert error["code"] == "unipile_account_not_listed"

    assert (stored(account), stored(other)) == before


def test_wrong_key_is_the_operators_business(
    api: APIClient, account: UnipileAccount, settings: Settings
) -> None:
    settings.UNIPILE_API_KEY = "a-key-that-was-revoked"
    before = stored(account)

    error = error_of(refresh(api, account.pk), 502)

    assert error["code"] == "unipile_authentication"
    assert "UNIPILE_API_KEY" in error["detail"]
    assert "a-key-that-was-revoked" not in error["detail"]
    assert stored(account) == before


@pytest.mark.parametrize("setting", ["UNIPILE_DSN", "UNIPILE_API_KEY"])
def test_missing_settings_are_the_operators_business(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, settings: Settings, setting: str
) -> None:
    setattr(settings, setting, "")
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "unipile_not_configured"
    assert "Retry-After" not in response
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_caller_over_the_limit_is_throttled(
    api: APIClient,
    account: UnipileAccount,
    stranger: User,
    sandbox: Sandbox,
    settings: Settings,
) -> None:
    set_rates(settings, refresh="2/day")
    strangers = make_account(stranger, sandbox)
    assert [refresh(api, account.pk).status_code for _ in range(2)] == [200, 200]
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 429)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 86_400
    assert stored(account) == before
    assert sandbox.request_count == 2
    assert refresh(api_client(stranger), strangers.pk).status_code == 200


def test_database_without_answer_is_unavailable(api: APIClient, account: UnipileAccount) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("connection to 10.0.0.7 failed for user puffle")

    with connection.execute_wrapper(fail):
        response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "database_unavailable"
    assert response["Retry-After"] == "5"
    assert b"10.0.0.7" not in response.content
