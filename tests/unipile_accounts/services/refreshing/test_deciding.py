"""What an answer means for a row. Nothing is stored here."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.payloads.profile import read_profile
from unipile_accounts.services.refreshing.deciding import Decision, as_stored, decide, is_outdated
from unipile_sandbox import linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
NOW = timezone.now()
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
    "an old copy undoes no upgrade": [
        ordinary(FREE, FREE),
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(FREE, NAVIGATOR, NAVIGATOR),
        *[ordinary(FREE, NAVIGATOR, is_live=True)] * 2,
    ],
    "an old copy undoes no downgrade": [
        ordinary(NAVIGATOR, NAVIGATOR, changed=True),
        live(NAVIGATOR, FREE, FREE, changed=True),
        live(NAVIGATOR, FREE, FREE),
        *[ordinary(NAVIGATOR, FREE, is_live=True)] * 2,
    ],
    "a new copy after a reconnect is believed again": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        ordinary(PREMIUM, PREMIUM, changed=True),
        ordinary(FREE, FREE, changed=True),
    ],
    "a live reading counts from the copy of its own moment": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(PREMIUM, NAVIGATOR, NAVIGATOR),
        ordinary(PREMIUM, NAVIGATOR, is_live=True),
        ordinary(FREE, FREE, changed=True),
    ],
    "the copy tells of a seat that is out of reach": [
        live(NAVIGATOR, "navigator out of reach", NAVIGATOR, changed=True),
        ordinary(NAVIGATOR, NAVIGATOR, is_live=True),
        ordinary(PREMIUM, PREMIUM, changed=True, is_live=True),
    ],
    "a seat that gets out of reach stays": [
        live(FREE, NAVIGATOR, NAVIGATOR, changed=True),
        live(FREE, "navigator out of reach", NAVIGATOR),
        ordinary(FREE, NAVIGATOR, is_live=True),
        ordinary(PREMIUM, PREMIUM, changed=True),
    ],
    "a seat that is out of reach is given to nobody": [
        live(FREE, "navigator out of reach", PREMIUM, changed=True),
        ordinary(FREE, PREMIUM, is_live=True),
        ordinary(NAVIGATOR, NAVIGATOR, changed=True),
    ],
}


def read(copy: dict[str, Any], profile: dict[str, Any] | None = None) -> AccountVerdict:
    verdict = read_account(copy, unipile_account_id=ID)
    if profile is None:
        return verdict
    answer = {"object": "AccountOwnerProfile", "provider": "LINKEDIN", **profile}
    return read_profile(answer, verdict=verdict, unipile_account_id=ID)


def new_row(**values: Any) -> UnipileAccount:
    row = UnipileAccount(unipile_account_id=ID, **values)
    row.database_time = NOW
    return row


def answer(row: UnipileAccount, verdict: AccountVerdict, minute: int = 0) -> Decision:
    """Decide, and bring the row to what would be written."""
    decision = decide(row, verdict, asked_at=NOW + timedelta(minutes=minute))
    decision.result(row)
    return decision


def columns(row: UnipileAccount) -> tuple[bool, bool, int, int]:
    return (
        row.is_premium,
        row.has_sales_navigator,
        row.weekly_connection_limit,
        row.weekly_message_limit,
    )


# --- The plan -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_newest_answer_about_the_plan_counts(case: str) -> None:
    row = new_row()
    live_checked_at = None

    for number, step in enumerate(CASES[case]):
        payload = linkedin_account(ID, premium_features=FEATURES[step.copy])
        profile = PLANS[step.linkedin] if step.linkedin else None
        decision = answer(row, read(payload, profile), number)
        asked_at = NOW + timedelta(minutes=number)
        live_checked_at = asked_at if step.linkedin else live_checked_at
        plan = {"is_premium", "has_sales_navigator"} & set(decision.changes)
        assert (columns(row), bool(plan)) == (COLUMNS[step.plan], step.changed), number
        assert row.live_checked_at == (live_checked_at if step.is_live else None), number
        assert bool(row.live_snapshot) is step.is_live
        assert row.refreshed_at == row.answered_at == asked_at


def test_snapshot_holds_what_linkedin_told() -> None:
    row = new_row()

    answer(row, read(linkedin_account(ID), PLANS["navigator out of reach"]))

    assert json.loads(row.live_snapshot) == {"is_premium": False}


def test_snapshot_without_its_time_holds_nothing() -> None:
    stale = json.dumps({"is_premium": False, "has_sales_navigator": False})
    row = new_row(is_premium=True, live_snapshot=stale)

    answer(row, read(linkedin_account(ID)))

    assert (columns(row), row.live_snapshot) == (COLUMNS[FREE], "")


def test_answer_without_plan_moves_no_plan_time() -> None:
    row = new_row(refreshed_at=NOW - timedelta(days=1))
    answer(row, read(linkedin_account(ID), PLANS[NAVIGATOR]))
    lost = read(linkedin_account(ID, premium_features=["premium"], statuses=["CREDENTIALS"]))

    decision = answer(row, lost, 1)

    assert decision.values.keys() == {"status", "last_error", "answered_at", "last_tried_at"}
    assert decision.changes == {"status": ("connected", "credentials_required")}
    assert (row.refreshed_at, columns(row)) == (NOW, COLUMNS[NAVIGATOR])


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


def is_seat(value: Any) -> bool:
    return isinstance(value, dict) and "error" not in value


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(plan=st.sampled_from(list(COLUMNS)), copy=copies, profile=profiles)
def test_no_flag_changes_without_a_reason(
    plan: str, copy: dict[str, Any], profile: dict[str, Any]
) -> None:
    names = ("is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit")
    row = new_row(**dict(zip(names, COLUMNS[plan], strict=True)))
    try:
        verdict = read(linkedin_account(ID, **copy), profile)
    except UnipileError:
        return
    answer(row, verdict)
    signs = [profile.get("premium") is True, *map(is_seat, (profile.get(name) for name in SEATS))]
    if COLUMNS[plan][0] and not row.is_premium:
        assert copy["statuses"] == ["OK"]
        assert profile == {"premium": False, "sales_navigator": None, "recruiter": None}
    if row.is_premium and not COLUMNS[plan][0]:
        assert any(signs) or verdict.copy["is_premium"]
    if COLUMNS[plan][1] and not row.has_sales_navigator:
        is_no = (copy["statuses"], profile.get("sales_navigator", 0)) == (["OK"], None)
        assert is_no or not verdict.copy["has_sales_navigator"]
    if row.has_sales_navigator and not COLUMNS[plan][1]:
        assert is_seat(profile.get("sales_navigator")) or verdict.copy["has_sales_navigator"]
    # The same copy again says nothing new.
    after = columns(row)
    answer(row, read(linkedin_account(ID, **copy)), 1)
    assert columns(row) == after


# --- Whose answer, and when -----------------------------------------------------------------------


def test_another_member_is_a_lost_login(caplog: pytest.LogCaptureFixture) -> None:
    row = new_row(linkedin_id="ACoAAone", name="Mara", is_premium=True)

    decision = answer(row, read(linkedin_account(ID, name="Other", im={"id": "ACoAAtwo"})))

    assert decision.changes == {"status": ("connected", "credentials_required")}
    assert (row.name, row.linkedin_id, row.is_premium) == ("Mara", "ACoAAone", True)
    assert decision.error
    for told in (str(decision.error), caplog.text):
        assert "ACoAAone" in told
        assert "ACoAAtwo" in told


def test_member_is_written_where_that_is_allowed() -> None:
    verdict = read(linkedin_account(ID, im={"id": "ACoAAone"}))

    assert decide(new_row(), verdict, asked_at=NOW).values["linkedin_id"] == "ACoAAone"
    held_back = decide(new_row(), verdict, asked_at=NOW, with_member=False)
    assert "linkedin_id" not in held_back.values


@pytest.mark.parametrize(("seconds", "outdated"), [(-1, False), (0, False), (1, True)])
def test_later_answer_is_not_overwritten(seconds: int, outdated: bool) -> None:
    row = new_row(answered_at=NOW - timedelta(seconds=9) + timedelta(seconds=seconds))

    assert is_outdated(row, asked_at=NOW - timedelta(seconds=9)) is outdated


def test_time_in_the_future_orders_nothing(caplog: pytest.LogCaptureFixture) -> None:
    row = new_row(answered_at=NOW + timedelta(days=1), refreshed_at=NOW + timedelta(days=1))

    assert not is_outdated(row, asked_at=NOW - timedelta(days=1))
    assert caplog.text.count("answered in the future") == 1
    assert row.plan


@pytest.mark.parametrize(
    ("status", "refreshed_at", "code"),
    [
        ("connected", NOW, None),
        ("connected", None, "premium_status_pending"),
        ("credentials_required", NOW, "reconnect_required"),
        ("disconnected", NOW, "reconnect_required"),
    ],
)
def test_later_answer_speaks_for_its_row(
    status: str, refreshed_at: datetime | None, code: str | None
) -> None:
    result = as_stored(new_row(status=status, refreshed_at=refreshed_at), asked_at=NOW)

    assert (result.stored, result.asked_at) == (False, NOW)
    assert (result.error.code if result.error else None) == code
