"""How often and how long Unipile is asked when it fails."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.helpers import free_accounts, outcomes, table
from tests.unipile_accounts.services.refreshing.conftest import asked_for, refresh_all
from unipile_accounts.exceptions import (
    UnipileError,
    UnipileNotAsked,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services.refreshing import patience as rule
from unipile_accounts.services.refreshing.patience import Patience
from unipile_sandbox import Fault, Sandbox


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=429, headers={"Retry-After": "7"}), 7),
        (Fault(status=429, headers={"Retry-After": "3000"}), rule.LONGEST_PAUSE),
    ],
)
def test_pass_waits_as_it_is_told(
    owner: User, sandbox: Sandbox, waits: list[float], fault: Fault, expected: float
) -> None:
    free_accounts(owner, sandbox, 30)
    sandbox.inject(fault, times=2)

    assert outcomes(refresh_all()) == {"refreshed": 30}
    assert waits == [expected, expected]


def test_pauses_grow_longer_and_longer(owner: User, sandbox: Sandbox, waits: list[float]) -> None:
    free_accounts(owner, sandbox, 30)
    before = table()
    sandbox.inject(Fault(close=True))

    results = refresh_all()

    assert len(outcomes(results)) == 1
    assert {result.outcome for result in results} == {"failed"}
    assert len(waits) == rule.TRIES - 1
    assert all(shorter < longer for shorter, longer in pairwise(waits))
    assert len({wait % 0.25 for wait in waits}) == len(waits)
    assert table() == before


def test_page_that_fails_undoes_none_before(
    owner: User, sandbox: Sandbox, waits: list[float]
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=500, error_type="errors/unexpected_error"), page=2)
    left = {account.pk for account in accounts[250:]}

    results = refresh_all()

    assert outcomes(results) == {"refreshed": 250, "unipile_error": 50}
    assert {each.account.pk for each in results if each.error} == left
    assert {row.pk for row in UnipileAccount.objects.filter(answered_at=None)} == left
    assert "500 errors/unexpected_error" in str(results[-1].error)
    assert asked_for(sandbox) == (1 + rule.TRIES, [])


def test_many_failures_in_a_row_end_it(owner: User, sandbox: Sandbox, waits: list[float]) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    for account in accounts[:10]:
        sandbox.remove(account.unipile_account_id)
        sandbox.inject(Fault(status=500), account_id=account.unipile_account_id)

    results = refresh_all(confirm_gone=True)

    assert outcomes(results) == {"refreshed": 20, "unipile_error": 10}
    assert len(asked_for(sandbox)[1]) == rule.FAILURES_IN_A_ROW * rule.TRIES
    assert UnipileAccount.objects.filter(status="disconnected").count() == 0


def test_two_broken_neighbours_end_nothing(
    owner: User, sandbox: Sandbox, waits: list[float]
) -> None:
    accounts = sorted(free_accounts(owner, sandbox, 12), key=lambda account: account.pk)
    for account in accounts[2:4]:
        unipile_id = account.unipile_account_id
        sandbox.inject(Fault(status=500), account_id=unipile_id, operation="profile")

    assert outcomes(refresh_all(live=True)) == {"refreshed": 10, "unipile_error": 2}


def test_rest_fails_after_the_given_seconds(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 600)
    sandbox.inject(Fault(delay=20), page=2)
    started = time.monotonic()

    results = refresh_all(seconds=1.5)

    assert time.monotonic() - started < 10
    assert outcomes(results) == {"refreshed": 250, "unipile_timeout": 350}


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (UnipileUnavailable("503"), 1),
        (UnipileUnavailable("503", retry_after=9), 0),
        (UnipileUnexpectedAnswer("HTML"), 0),
    ],
)
def test_one_refresh_asks_twice_at_most(
    settings: Settings, waits: list[float], error: UnipileError, pauses: int
) -> None:
    settings.UNIPILE_TIMEOUT = 15
    patience = Patience.of_one_refresh()

    tries = [patience.try_again(error) for _ in range(2)]

    assert tries == [bool(pauses), False]
    assert len(waits) == pauses


def test_each_question_has_what_time_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_TIMEOUT = 5
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    patience = Patience(seconds=8)

    times = []
    for seconds in (0.0, 4.0, 9.0):
        now[0] = 100.0 + seconds
        times.append(round(patience.timeout(), 1))
        patience.begin()
        times.append(round(patience.timeout(), 1))

    # The next account has the time anew, but not beyond the pass.
    assert times == [5.0, 5.0, 1.0, 4.0, -1.0, -1.0]
    assert patience.questions == 6
    assert patience.is_over()
    assert isinstance(patience.reason_to_end(), UnipileNotAsked)
