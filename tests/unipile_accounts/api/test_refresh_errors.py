"""What a refresh answers where Unipile says nothing of the plan."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import error_of, make_account, stored
from tests.unipile_accounts.api.conftest import refresh, set_rates
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox, linkedin_account

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
RESTRICTED = "errors/account_restricted"


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


def prepare(sandbox: Sandbox, account: UnipileAccount, trouble: Fault | dict[str, Any]) -> None:
    """Let Unipile answer with a fault, or with a payload that is changed so."""
    if isinstance(trouble, Fault):
        sandbox.inject(trouble, account_id=account.unipile_account_id)
    else:
        sandbox.update(account.unipile_account_id, **trouble)


@pytest.mark.parametrize(
    ("trouble", "status", "code", "retry_after"),
    [
        (Fault(status=401), 502, "unipile_authentication", None),
        (Fault(status=401, error_type=RESTRICTED), 409, "account_unavailable", None),
        (Fault(status=404, body=b"<html>"), 502, "unipile_error", None),
        (Fault(status=500, headers={"Retry-After": "7"}), 502, "unipile_error", None),
        (Fault(status=429), 503, "unipile_rate_limited", "60"),
        (Fault(status=429, headers={"Retry-After": "7"}), 503, "unipile_rate_limited", "7"),
        (Fault(close=True), 503, "unipile_unavailable", "30"),
        (Fault(drip_body=0.02), 504, "unipile_timeout", None),
        ({"omit": NO_KEYS}, 503, "premium_status_pending", "60"),
        ({"type": "WHATSAPP"}, 409, "not_linkedin", None),
    ],
)
def test_answer_without_verdict_changes_no_row(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    trouble: Fault | dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    settings.UNIPILE_TIMEOUT = 0.5
    prepare(sandbox, account, trouble)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before


@pytest.mark.parametrize(
    ("trouble", "new_status"),
    [
        (Fault(status=404, error_type="errors/resource_not_found"), "disconnected"),
        (Fault(status=401, error_type="errors/expired_credentials"), "credentials_required"),
        ({"status": "CREDENTIALS", "omit": NO_KEYS}, "credentials_required"),
    ],
)
def test_lost_account_gets_its_status_only(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    trouble: Fault | dict[str, Any],
    new_status: str,
) -> None:
    make_account(account.user, sandbox)
    prepare(sandbox, account, trouble)
    before = stored(account)

    response = refresh(api, account.pk)

    error = error_of(response, 409)
    assert error["code"] == "reconnect_required"
    assert "econnect the account" in error["detail"]
    assert "Retry-After" not in response
    # The time of the answer is stored. That of the plan stays, as the plan does.
    after = stored(account)
    assert after["answered_at"] is not None
    assert after["version"] == before["version"] + 1
    stamps = {name: after[name] for name in ("answered_at", "version", "updated_at")}
    assert after == {**before, **stamps, "status": new_status}


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
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    set_rates(settings, refresh="2/day")
    assert [refresh(api, account.pk).status_code for _ in range(2)] == [200, 200]
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 429)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 86_400
    assert stored(account) == before
    assert sandbox.request_count == 2


def test_database_without_answer_is_unavailable(api: APIClient, account: UnipileAccount) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("connection to 10.0.0.7 failed for user puffle")

    with connection.execute_wrapper(fail):
        response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "database_unavailable"
    assert response["Retry-After"] == "5"
    assert b"10.0.0.7" not in response.content
