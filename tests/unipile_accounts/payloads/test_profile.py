from __future__ import annotations

from typing import Any

import pytest

from unipile_accounts.exceptions import (
    PlanNotTold,
    UnipileError,
    UnipilePremiumStatusPending,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.payloads.profile import read_profile

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
COPY = AccountVerdict(
    status="connected",
    linkedin_id="ACoAAB",
    name="Mara Feldkamp",
    profile_url="https://www.linkedin.com/in/mara-feldkamp-example",
    copy={"is_premium": False, "has_sales_navigator": False},
)
NOT_CONNECTED = COPY._replace(status=None)
SEAT = {"owner_seat_id": "300000003", "contract_id": "2000000003"}
ERROR = {"error": "DISCONNECTED"}
ABSENT = object()
NOTHING = PlanNotTold


def profile(premium: Any = ABSENT, sales_navigator: Any = ABSENT, recruiter: Any = ABSENT) -> Any:
    plan = {"premium": premium, "sales_navigator": sales_navigator, "recruiter": recruiter}
    return {
        "object": "AccountOwnerProfile",
        "provider": "LINKEDIN",
        "email": "hidden@example.test",
        **{key: value for key, value in plan.items() if value is not ABSENT},
    }


def read(answer: Any, verdict: AccountVerdict = COPY) -> AccountVerdict:
    return read_profile(answer, verdict=verdict, unipile_account_id=ID)


@pytest.mark.parametrize(
    ("plan", "connected", "not_connected"),
    [
        # premium, sales_navigator, recruiter -> is_premium, has_sales_navigator
        ((False, None, None), (False, False), NOTHING),
        ((True, None, None), (True, False), (True, None)),
        ((False, SEAT, None), (True, True), (True, True)),
        ((False, None, SEAT), (True, False), (True, None)),
        ((True, ERROR, None), (True, None), (True, None)),
        ((False, SEAT, ERROR), (True, True), (True, True)),
        ((False, ERROR, None), NOTHING, NOTHING),
        ((False, None, ERROR), NOTHING, NOTHING),
        ((False, SEAT | ERROR, None), NOTHING, NOTHING),
        ((ABSENT, ABSENT, ABSENT), NOTHING, NOTHING),
        ((False, None, ABSENT), NOTHING, NOTHING),
        ((True, ABSENT, ABSENT), (True, None), (True, None)),
    ],
)
def test_plan_is_what_linkedin_says_now(plan: Any, connected: Any, not_connected: Any) -> None:
    for verdict, expected in ((COPY, connected), (NOT_CONNECTED, not_connected)):
        if expected is NOTHING:
            with pytest.raises(PlanNotTold, match=ID):
                read(profile(*plan), verdict)
        else:
            flags = dict(zip(("is_premium", "has_sales_navigator"), expected, strict=True))
            told = {name: flag for name, flag in flags.items() if flag is not None}
            assert read(profile(*plan), verdict) == verdict._replace(live=told)


def test_account_that_is_still_connecting_is_pending() -> None:
    with pytest.raises(UnipilePremiumStatusPending, match=ID):
        read(profile(False, ERROR, None), COPY._replace(copy={}))


@pytest.mark.parametrize(
    ("plan", "live"),
    [
        ((True, ERROR, None), {"is_premium": True}),
        ((False, ERROR, None), {}),
    ],
)
def test_copy_says_what_linkedin_does_not_tell(plan: Any, live: dict[str, bool]) -> None:
    copy = COPY._replace(copy={"is_premium": True, "has_sales_navigator": True})

    verdict = read(profile(*plan), copy)

    assert verdict.live == live
    assert verdict.flags == copy.copy


@pytest.mark.parametrize(
    "answer",
    [
        profile(True, None, None) | {"object": "Account"},
        profile(True, None, None) | {"provider": "WHATSAPP"},
        profile("true", None, None),
        profile(True, None, [ERROR]),
    ],
)
def test_answer_that_is_not_promised_gives_no_verdict(answer: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer, match=ID):
        read(answer)


@pytest.mark.parametrize(
    "answer",
    [profile(False, ERROR, None), profile("hidden", None, None), profile(True, "hidden", None)],
)
def test_errors_hold_nothing_of_the_profile(answer: Any) -> None:
    with pytest.raises(UnipileError) as caught:
        read(answer)

    assert "hidden" not in f"{caught.value} {caught.value!r} {caught.value.advice}"
