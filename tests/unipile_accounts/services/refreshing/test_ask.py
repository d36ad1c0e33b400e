"""What Unipile and LinkedIn say of an account, and in whose workspace."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.helpers import make_account, stored
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountNotListed,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipilePremiumStatusPending,
    UnipileReconnectRequired,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door, RefreshResult, describe
from unipile_accounts.services import refresh_account
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.patience import Patience
from unipile_sandbox import Fault, Sandbox, linkedin_account

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
FLAGS = ("is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit")
# What the row holds before; no plan has these limits.
BEFORE = (True, True, 7, 9)
NAVIGATOR = (True, True, 100, 150)


def refresh(account: UnipileAccount, *, live: bool = True) -> RefreshResult:
    return refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API, live=live)


def flags(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FLAGS)


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    payload = linkedin_account(name="New name", premium_features=["premium"])
    row = dict(zip(FLAGS, BEFORE, strict=True))
    return make_account(owner, sandbox, payload=payload, name="Old name", **row)


# --- The account and its live profile -------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(body=b"<html>"), UnipileUnexpectedAnswer),
        (Fault(status=401), UnipileAuthenticationError),
        (Fault(status=403, error_type="errors/account_restricted"), UnipileAccountUnavailable),
        (Fault(status=404, error_type="errors/resource_not_found"), UnipileAPIError),
    ],
)
def test_failing_profile_changes_no_row(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault, error: type[UnipileError]
) -> None:
    # The workspace is ours, so that a 404 of the account would count.
    make_account(account.user, sandbox)
    sandbox.inject(fault, operation="profile")
    before = stored(account)

    with pytest.raises(error):
        refresh(account)

    assert stored(account) == before


def test_login_lost_for_the_profile_is_stored(account: UnipileAccount, sandbox: Sandbox) -> None:
    fault = Fault(status=401, error_type="errors/disconnected_account")
    sandbox.inject(fault, operation="profile")
    before = stored(account)

    with pytest.raises(UnipileReconnectRequired):
        refresh(account)

    after = stored(account)
    stamps = {name: after[name] for name in ("answered_at", "version", "updated_at")}
    assert after == {**before, **stamps, "status": "credentials_required"}


def test_plan_that_only_linkedin_knows_is_stored(account: UnipileAccount, sandbox: Sandbox) -> None:
    sandbox.update(account.unipile_account_id, omit=NO_KEYS)
    with pytest.raises(UnipilePremiumStatusPending):
        refresh(account, live=False)
    sandbox.set_plan(account.unipile_account_id, premium=True, sales_navigator=True)

    refresh(account)

    assert flags(stored(account)) == NAVIGATOR


@pytest.mark.parametrize("change", [{"status": "CREDENTIALS"}, {"type": "WHATSAPP"}, None])
def test_linkedin_is_asked_after_unipile(
    account: UnipileAccount, sandbox: Sandbox, change: dict[str, str] | None
) -> None:
    make_account(account.user, sandbox)
    if change:
        sandbox.update(account.unipile_account_id, **change)
    else:
        sandbox.remove(account.unipile_account_id)

    with pytest.raises(UnipileError):
        refresh(account)

    assert not [request for request in sandbox.requests if "/users/me" in request.path]


def test_live_refresh_costs_one_request_more(account: UnipileAccount, sandbox: Sandbox) -> None:
    refresh(account)
    live = [request.path for request in sandbox.requests]
    refresh(account, live=False)

    assert live == [
        f"/api/v1/accounts/{account.unipile_account_id}",
        f"/api/v1/users/me?account_id={account.unipile_account_id}",
    ]
    assert sandbox.request_count == 3


@pytest.mark.parametrize(
    "plan", [{"premium": True}, {"sales_navigator": "DISCONNECTED"}, {"premium": "of next year"}]
)
def test_email_address_is_left_nowhere(
    account: UnipileAccount, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, plan: Any
) -> None:
    sandbox.set_plan(account.unipile_account_id, email="hidden.person@example.test", **plan)
    told: list[object] = []

    with caplog.at_level(logging.DEBUG):
        try:
            told.append(describe(refresh(account)))
        except UnipileError as exc:
            told += [str(exc), repr(exc), str(exc.advice)]

    rows = [*UnipileAccount.objects.values(), *AccountChange.objects.values()]
    records = [record.__dict__ for record in caplog.records]
    assert "hidden.person" not in f"{told}{rows}{records}{caplog.text}"
    assert "hidden.person" in str(sandbox.profile(account.unipile_account_id))


# --- Whose workspace it is ------------------------------------------------------------------------


def is_ours(workspace: Workspace, account: UnipileAccount) -> bool:
    error = UnipileAccountNotFound("404")
    with suppress(UnipileAccountNotListed):
        workspace.confirm(error, account.unipile_account_id, Patience.of_one_refresh())
        return True
    return False


def test_workspace_with_another_known_account_is_ours(
    account: UnipileAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_account(account.user, sandbox)
    workspace = Workspace()

    assert is_ours(workspace, account)
    sandbox.remove(other.unipile_account_id)
    # It was just seen, so that it is not asked for again.
    assert is_ours(workspace, account)
    assert sandbox.request_count == 1

    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not is_ours(workspace, account)


def test_account_is_no_proof_of_its_own_workspace(
    account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.add(linkedin_account("nobodys"))
    before = stored(account)
    # The list still has the account, which is 404 by itself.
    sandbox.inject(Fault(status=404), account_id=account.unipile_account_id, operation="account")

    with pytest.raises(UnipileAccountNotListed):
        refresh(account, live=False)

    assert stored(account) == before


def test_confirmed_workspace_is_not_asked_for(account: UnipileAccount, sandbox: Sandbox) -> None:
    assert is_ours(Workspace(is_confirmed=True), account)
    assert sandbox.request_count == 0
