"""Which answer about the plan counts: Unipile's copy, or what LinkedIn itself said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import make_account, stored
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.payloads.profile import read_profile
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.refreshing.writing import store
from unipile_sandbox import linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
SEAT = {"owner_seat_id": "300000003", "contract_id": "2000000003"}
ERROR = {"error": "DISCONNECTED"}
SEATS = ("sales_navigator", "recruiter")

FREE, PREMIUM, NAVIGATOR = "free", "premium", "navigator"
FEATURES: dict[str, list[str]] = {
    FREE: [],
    PREMIUM: ["premium"],
    NAVIGATOR: ["premium", "sales_navigator"],
}
PLANS: dict[str, dict[str, Any]] = {
    FREE: {"premium": False, "sales_navigator": None, "recruiter": None},
    PREMIUM: {"premium": True, "sales_navigator": None, "recruiter": None},
    NAVIGATOR: {"premium": True, "sales_navigator": SEAT, "recruiter": None},
    "navigator out of reach": {"premium": True, "sales_navigator": ERROR, "recruiter": None},
    "nothing in reach": {"premium": False, "sales_navigator": ERROR, "recruiter": None},
}
COLUMNS = {
    FREE: (False, False, 80, 100),
    PREMIUM: (True, False, 100, 150),
    NAVIGATOR: (True, True, 100, 150),
}


class Step(NamedTuple):
    """What the copy says and, for a live refresh, LinkedIn; then what is stored and told."""

    copy: str
    linkedin: str | None
    plan: str
    changed: bool
    is_live: bool


def ordinary(copy: str, plan: str, *, changed: bool = False, is_live: bool = False) -> Step:
    return Step(copy, None, plan, changed, is_live)


def live(copy: str, linkedin: str, plan: str, *, changed: bool = False) -> Step:
    return Step(copy, linkedin, plan, changed, is_live=True)


CASES: dict[str, list[Step]] = {
    "a copy is believed until LinkedIn is asked": [
        ordinary(FREE, FREE),
        ordinary(PREMIUM, PREMIUM, changed=True),
        ordinary(NAVIGATOR, NAVIGATOR, changed=True),
        ordinary(FREE, FREE, changed=True),
    ],
    "an old copy undoes no upgrade": [
        ordinary(FREE, FREE),
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(FREE, NAVIGATOR, NAVIGATOR),
        *[ordinary(FREE, NAVIGATOR, is_live=True)] * 11,
    ],
    "an old copy undoes no downgrade": [
        ordinary(NAVIGATOR, NAVIGATOR, changed=True),
        live(NAVIGATOR, FREE, FREE, changed=True),
        live(NAVIGATOR, FREE, FREE),
        *[ordinary(NAVIGATOR, FREE, is_live=True)] * 11,
    ],
    "a new copy after a reconnect is believed again": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        ordinary(PREMIUM, PREMIUM, changed=True),
        ordinary(FREE, FREE, changed=True),
    ],
    "a new copy that agrees is no change": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        ordinary(NAVIGATOR, NAVIGATOR),
        ordinary(FREE, FREE, changed=True),
    ],
    "LinkedIn is believed once more whatever was asked before": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(FREE, FREE, FREE, changed=True),
        live(FREE, FREE, FREE),
        ordinary(FREE, FREE, is_live=True),
        ordinary(PREMIUM, PREMIUM, changed=True),
    ],
    "a live reading counts from the copy of its own moment": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(PREMIUM, NAVIGATOR, NAVIGATOR),
        ordinary(PREMIUM, NAVIGATOR, is_live=True),
        ordinary(FREE, FREE, changed=True),
    ],
    "a seat that is out of reach stays as it was": [
        ordinary(NAVIGATOR, NAVIGATOR, changed=True),
        live(NAVIGATOR, "navigator out of reach", NAVIGATOR),
        ordinary(NAVIGATOR, NAVIGATOR, is_live=True),
    ],
    "a seat that is out of reach is given to nobody": [
        live(FREE, "navigator out of reach", PREMIUM, changed=True),
        ordinary(FREE, PREMIUM, is_live=True),
    ],
}


@pytest.fixture
def account(owner: User) -> UnipileAccount:
    return make_account(owner, payload=linkedin_account(ID))


def read(copy: dict[str, Any], profile: dict[str, Any] | None) -> AccountVerdict:
    verdict = read_account(copy, unipile_account_id=ID)
    if profile is None:
        return verdict
    answer = {"object": "AccountOwnerProfile", "provider": "LINKEDIN", **profile}
    return read_profile(answer, verdict=verdict, unipile_account_id=ID)


def write(verdict: AccountVerdict, *, asked_at: datetime) -> RefreshResult:
    [result] = store(
        {ID: verdict}, UnipileAccount.objects.all(), asked_at=asked_at, origin=Origin(Door.API)
    )
    return result


def columns(row: dict[str, Any]) -> tuple[bool, bool, int, int]:
    return (
        row["is_premium"],
        row["has_sales_navigator"],
        row["weekly_connection_limit"],
        row["weekly_message_limit"],
    )


@pytest.mark.parametrize("case", CASES)
def test_newest_answer_about_the_plan_is_stored(account: UnipileAccount, case: str) -> None:
    began = timezone.now() - timedelta(hours=1)
    live_checked_at = None

    for number, step in enumerate(CASES[case]):
        asked_at = began + timedelta(minutes=number)
        payload = linkedin_account(ID, premium_features=FEATURES[step.copy])
        profile = PLANS[step.linkedin] if step.linkedin else None
        result = write(read(payload, profile), asked_at=asked_at)
        row = stored(account)
        live_checked_at = asked_at if step.linkedin else live_checked_at
        plan = {"is_premium", "has_sales_navigator"} & set(result.changes)
        assert (columns(row), bool(plan)) == (COLUMNS[step.plan], step.changed), number
        assert row["live_checked_at"] == (live_checked_at if step.is_live else None), number
        assert bool(row["live_snapshot"]) is step.is_live
        assert row["refreshed_at"] == asked_at


def test_lost_login_leaves_what_linkedin_said(account: UnipileAccount) -> None:
    began = timezone.now() - timedelta(hours=1)
    write(read(linkedin_account(ID), PLANS[NAVIGATOR]), asked_at=began)
    before = stored(account)
    logged_out = linkedin_account(ID, premium_features=["premium"], statuses=["CREDENTIALS"])

    write(read(logged_out, None), asked_at=began + timedelta(minutes=1))

    after = stored(account)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"status", "refreshed_at", "updated_at"}


def test_older_live_answer_undoes_no_newer_one(account: UnipileAccount) -> None:
    began = timezone.now() - timedelta(hours=1)
    write(read(linkedin_account(ID), PLANS[FREE]), asked_at=began)
    before = stored(account)

    older = began - timedelta(seconds=1)
    result = write(read(linkedin_account(ID), PLANS[NAVIGATOR]), asked_at=older)

    assert (result.stored, result.changes) == (False, {})
    assert stored(account) == before


seats = st.sampled_from([None, SEAT, ERROR, {"error": None}, "seat", {}, 1])
profiles = st.dictionaries(
    st.sampled_from(["premium", "sales_navigator", "recruiter"]), seats | st.booleans()
)
copies = st.fixed_dictionaries(
    {
        "premium_features": st.sampled_from([[], ["premium"], ["sales_navigator"], ["new"], None]),
        "statuses": st.sampled_from([["OK"], ["CREDENTIALS"], ["CONNECTING"], ["OK", "STOPPED"]]),
        "omit": st.sampled_from([(), ("premiumFeatures", "premiumId")]),
    }
)
before = st.sampled_from(list(COLUMNS))


def is_seat(value: Any) -> bool:
    return isinstance(value, dict) and "error" not in value


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=before, copy=copies, profile=profiles)
def test_no_live_downgrade_without_a_no_and_no_flag_from_an_error(
    account: UnipileAccount,
    plan: str,
    copy: dict[str, Any],
    profile: dict[str, Any],
) -> None:
    names = ("is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit")
    UnipileAccount.objects.update(**dict(zip(names, COLUMNS[plan], strict=True)), refreshed_at=None)
    asked_at = timezone.now()
    try:
        write(read(linkedin_account(ID, **copy), profile), asked_at=asked_at)
    except UnipileError:
        assert columns(stored(account)) == COLUMNS[plan]
        return
    row = stored(account)
    signs = [profile.get("premium") is True, *map(is_seat, (profile.get(name) for name in SEATS))]
    if COLUMNS[plan][0] and not row["is_premium"]:
        assert copy["statuses"] == ["OK"]
        assert profile == {"premium": False, "sales_navigator": None, "recruiter": None}
    if row["is_premium"] and not COLUMNS[plan][0]:
        assert any(signs)
    if COLUMNS[plan][1] and not row["has_sales_navigator"]:
        assert (copy["statuses"], profile.get("sales_navigator", 0)) == (["OK"], None)
    if row["has_sales_navigator"] and not COLUMNS[plan][1]:
        assert is_seat(profile["sales_navigator"])
    # The same copy again says nothing new.
    after = columns(row)
    write(read(linkedin_account(ID, **copy), None), asked_at=asked_at + timedelta(microseconds=1))
    assert columns(stored(account)) == after
