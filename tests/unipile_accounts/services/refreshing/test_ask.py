"""Every state of an account, and of what LinkedIn says of its plan, when both are asked."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.helpers import make_account, stored
from unipile_accounts.exceptions import (
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileRateLimited,
    UnipileReconnectRequired,
    UnipileServerError,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door, RefreshResult, describe
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_sandbox import Fault, Sandbox, linkedin_account

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
FLAGS = ("is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit")
# What the row holds before; no plan has these limits.
BEFORE = (True, True, 7, 9)
FREE = (False, False, 80, 100)
PREMIUM = (True, False, 100, 150)
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


ACCOUNTS: dict[str, dict[str, Any]] = {
    "connected": {},
    "connecting": {"status": "CONNECTING"},
    "plan not known yet": {"status": "CONNECTING", "omit": NO_KEYS},
    "logged out": {"status": "CREDENTIALS"},
    "another provider's": {"type": "WHATSAPP"},
    "damaged": {"premium_features": 5},
}
PROFILES: dict[str, dict[str, Any] | Fault] = {
    "no": {"premium": False, "sales_navigator": False, "recruiter": False},
    "premium": {"premium": True, "sales_navigator": False, "recruiter": False},
    "navigator": {"premium": True, "sales_navigator": True, "recruiter": False},
    "recruiter": {"premium": False, "sales_navigator": False, "recruiter": True},
    "navigator out of reach": {"premium": True, "sales_navigator": "DISCONNECTED"},
    "nothing in reach": {"premium": False, "sales_navigator": "DISCONNECTED"},
    "recruiter out of reach": {"premium": False, "recruiter": "MULTIPLE_SESSIONS"},
    "no plan": {"omit": ["premium", "sales_navigator", "recruiter"]},
    "premium left out": {"omit": ["premium"], "sales_navigator": False},
    "not JSON": Fault(body=b"<html>"),
    "another provider's": Fault(body=b'{"object":"AccountOwnerProfile","provider":"WHATSAPP"}'),
    "401 login": Fault(status=401, error_type="errors/disconnected_account"),
    "401 key": Fault(status=401),
    "403 restricted": Fault(status=403, error_type="errors/account_restricted"),
    "403 sessions": Fault(status=403, error_type="errors/multiple_sessions"),
    "404": Fault(status=404, error_type="errors/resource_not_found"),
    "422": Fault(status=422, error_type="errors/invalid_account"),
    "429": Fault(status=429),
    "500": Fault(status=500),
    "501": Fault(status=501, error_type="errors/feature_not_implemented"),
    "503": Fault(status=503),
    "hung up": Fault(close=True),
}
LOGGED_OUT = "logged out"
# What is stored, by the account's state and then by the profile's; or why there is nothing new.
OUTCOMES: dict[str, dict[str, Any]] = {
    "connected": {
        "no": FREE,
        "premium": PREMIUM,
        "navigator": NAVIGATOR,
        "recruiter": PREMIUM,
        "navigator out of reach": NAVIGATOR,
        "nothing in reach": UnipileAccountUnavailable,
        "recruiter out of reach": UnipileAccountUnavailable,
        "no plan": UnipileAccountUnavailable,
        "premium left out": UnipileAccountUnavailable,
        "not JSON": UnipileUnexpectedAnswer,
        "another provider's": UnipileUnexpectedAnswer,
        "401 login": LOGGED_OUT,
        "401 key": UnipileAuthenticationError,
        "403 restricted": UnipileAccountUnavailable,
        "403 sessions": UnipileAccountUnavailable,
        "404": UnipileError,
        "422": UnipileAPIError,
        "429": UnipileRateLimited,
        "500": UnipileServerError,
        "501": UnipileServerError,
        "503": UnipileUnavailable,
        "hung up": UnipileUnavailable,
    },
    "logged out": dict.fromkeys(PROFILES, LOGGED_OUT),
    "plan not known yet": dict.fromkeys(PROFILES, UnipilePremiumStatusPending),
    "another provider's": dict.fromkeys(PROFILES, UnipileNotLinkedIn),
    "damaged": dict.fromkeys(PROFILES, UnipileUnexpectedAnswer),
}
# A "no" counts only for an account that is connected.
OUTCOMES["connecting"] = OUTCOMES["connected"] | {
    "no": UnipileAccountUnavailable,
    "premium": NAVIGATOR,
    "recruiter": NAVIGATOR,
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("state", ACCOUNTS)
def test_both_answers_decide_what_is_stored(
    account: UnipileAccount, sandbox: Sandbox, state: str, profile: str
) -> None:
    sandbox.update(account.unipile_account_id, **ACCOUNTS[state])
    match PROFILES[profile]:
        case Fault() as fault:
            sandbox.inject(fault, operation="profile")
        case plan:
            sandbox.set_plan(account.unipile_account_id, **plan)
    before, outcome = stored(account), OUTCOMES[state][profile]

    if isinstance(outcome, tuple):
        assert refresh(account).stored
    else:
        error = UnipileReconnectRequired if outcome == LOGGED_OUT else outcome
        with pytest.raises(error):
            refresh(account)

    after = stored(account)
    changed = {name for name in after if after[name] != before[name]}
    if isinstance(outcome, tuple):
        assert flags(after) == outcome
        assert after["live_checked_at"] == after["refreshed_at"] is not None
        assert after["name"] == "New name"
    elif outcome == LOGGED_OUT:
        assert changed == {"status", "refreshed_at", "updated_at"}
        assert after["status"] == "credentials_required"
    else:
        assert changed == set()


@pytest.mark.parametrize("fault", [Fault(status=401), Fault(close=True), None])
def test_linkedin_is_asked_only_when_unipile_has_the_account(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault | None
) -> None:
    make_account(account.user, sandbox)
    if fault:
        sandbox.inject(fault, operation="account")
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


# --- From the upgrade to the next login -----------------------------------------------------------


def run(**options: Any) -> list[RefreshResult]:
    return list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND, **options))


def test_upgrade_that_only_linkedin_shows_is_told_once_and_stays(
    owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(premium_features=[])
    account = make_account(owner, sandbox, payload=payload)
    # So many accounts are read from Unipile's list.
    others = [make_account(owner, sandbox) for _ in range(30)]
    sandbox.set_plan(payload["id"], premium=True, sales_navigator=True)

    assert refresh(account, live=False).changes.keys() == {"name", "profile_url"}
    upgraded = {*FLAGS}
    assert refresh(account).changes.keys() == upgraded
    assert refresh(account).changes.keys() == set()
    for _ in range(10):
        assert refresh(account, live=False).changes.keys() == set()
    assert {result.account.pk for result in run()} == {row.pk for row in [account, *others]}
    assert any("/accounts?" in request.path for request in sandbox.requests)
    assert flags(stored(account)) == NAVIGATOR

    sandbox.update(payload["id"], premium_features=["premium"])
    assert refresh(account, live=False).changes.keys() == {"has_sales_navigator"}
    assert stored(account)["live_checked_at"] is None
    sandbox.set_plan(payload["id"], premium=False, sales_navigator=False)
    assert refresh(account).changes.keys() == upgraded - {"has_sales_navigator"}
    assert refresh(account).changes.keys() == set()
    assert refresh(account, live=False).changes.keys() == set()
    assert flags(stored(account)) == FREE


def test_reconnect_that_brings_the_plan_is_believed(owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account(premium_features=[])
    account = make_account(owner, sandbox, payload=payload)
    sandbox.set_plan(payload["id"], premium=True)
    refresh(account)

    sandbox.update(payload["id"], premium_features=["premium"])
    refresh(account, live=False)

    assert (flags(stored(account)), stored(account)["live_checked_at"]) == (PREMIUM, None)


def test_live_pass_asks_about_one_account_after_the_other(owner: User, sandbox: Sandbox) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(25)]
    sandbox.set_plan(accounts[0].unipile_account_id, premium=True)

    results = run(live=True)

    pairs = [request.path.split("?")[0] for request in sandbox.requests]
    assert pairs[1::2] == ["/api/v1/users/me"] * 25
    asked = [path.rsplit("/", 1)[1] for path in pairs[::2]]
    assert asked == [result.account.unipile_account_id for result in results]
    assert [result.account for result in results if "is_premium" in result.changes] == accounts[:1]


def test_live_pass_can_be_broken_off_between_two_accounts(owner: User, sandbox: Sandbox) -> None:
    for _ in range(5):
        make_account(owner, sandbox)
    run = refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND, live=True)

    next(iter(run))

    assert sandbox.request_count == 2
    assert UnipileAccount.objects.exclude(live_checked_at=None).count() == 1


def test_dry_live_run_tells_and_writes_nothing(account: UnipileAccount, sandbox: Sandbox) -> None:
    before = stored(account)
    sandbox.set_plan(account.unipile_account_id, premium=False, sales_navigator=False)

    [result] = run(live=True, dry_run=True)

    assert {*FLAGS} <= set(result.changes)
    assert stored(account) == before


# --- The e-mail address ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan", [{"premium": True}, {"sales_navigator": "DISCONNECTED"}, {"premium": "of next year"}]
)
def test_email_address_of_the_owner_is_left_nowhere(
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
