from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.models.functions import Now
from django.utils import timezone

from tests.helpers import (
    PREMIUM,
    free_accounts,
    hold,
    make_account,
    make_accounts,
    meanwhile,
    outcomes,
    stored,
    table,
    until,
)
from tests.unipile_accounts.services.refreshing.conftest import (
    KINDS,
    asked_for,
    refresh_all,
)
from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotAsked
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.services.refreshing import many, unread
from unipile_accounts.signals import account_refreshed
from unipile_accounts.unipile import accounts as accounts_wire
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def test_few_accounts_are_read_one_by_one(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    few = [account.pk for account in accounts[:2]]

    results = refresh_all(accounts=UnipileAccount.objects.filter(pk__in=few))

    assert outcomes(results) == {"refreshed": 2}
    assert asked_for(sandbox) == (0, sorted(each.unipile_account_id for each in accounts[:2]))


@pytest.mark.django_db(transaction=True)
def test_pass_holds_no_connection_while_it_waits(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    sandbox.remove(accounts[0].unipile_account_id)
    ours = connections["default"]
    held: list[bool] = []

    def look(request: Request) -> None:
        # The page before may still be stored; nobody waits meanwhile.
        until(lambda: ours.connection is None)
        held.append(ours.in_atomic_block)

    sandbox.on_answer = look
    refresh_all()

    assert held == [False] * 3


# --- Accounts that are missing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "missing", "guarded"),
    [(300, 15, False), (300, 16, True), (10, 1, False)],
)
def test_many_missing_accounts_are_not_taken_for_gone(
    owner: User, sandbox: Sandbox, count: int, missing: int, guarded: bool
) -> None:
    accounts = free_accounts(owner, sandbox, count)
    for account in accounts[:missing]:
        sandbox.remove(account.unipile_account_id)

    results = refresh_all()

    code = "unipile_account_not_listed" if guarded else "reconnect_required"
    assert outcomes(results) == {"refreshed": count - missing, code: missing}
    assert len(asked_for(sandbox)[1]) == (0 if guarded else missing)
    gone = UnipileAccount.objects.filter(status="disconnected")
    assert gone.count() == (0 if guarded else missing)


def test_accounts_that_failed_are_not_missing(
    owner: User, sandbox: Sandbox, transactional_db: None
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    for account in accounts[:21]:
        sandbox.remove(account.unipile_account_id)
    for account in accounts[21:30]:
        sandbox.update(account.unipile_account_id, type="WHATSAPP")
    for account in accounts[30:50]:
        sandbox.update(account.unipile_account_id, status="CREDENTIALS")
    busy = accounts[50:60]

    def customers_refresh() -> None:
        for account in busy:
            refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    meanwhile(sandbox, customers_refresh)
    results = refresh_all()

    assert outcomes(results) == {
        "refreshed": 250,
        "not_linkedin": 9,
        "reconnect_required": 20,
        "unipile_account_not_listed": 21,
    }


def test_rows_given_up_are_skipped_once(owner: User, sandbox: Sandbox) -> None:
    # Given up here, but still listed by Unipile.
    given_up = free_accounts(owner, sandbox, 30, status="disconnected", given_up_at=timezone.now())
    free_accounts(owner, sandbox, 260)
    before = [stored(account) for account in given_up]

    results = refresh_all()

    assert Counter(result.outcome for result in results) == {"skipped": 30, "refreshed": 260}
    assert [stored(account) for account in given_up] == before
    assert asked_for(sandbox) == (2, [])


def test_rows_that_were_gone_may_come_back(owner: User, sandbox: Sandbox) -> None:
    back, *gone = free_accounts(owner, sandbox, 10, status="disconnected")
    free_accounts(owner, sandbox, 30)
    for account in gone:
        sandbox.remove(account.unipile_account_id)

    results = refresh_all()

    assert Counter(result.outcome for result in results) == {"skipped": 9, "refreshed": 31}
    assert stored(back)["status"] == "connected"
    assert asked_for(sandbox) == (1, [])


def test_key_rejected_for_one_account_stops_too(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    for account in accounts[:3]:
        sandbox.remove(account.unipile_account_id)
        sandbox.inject(Fault(status=403, body=b"{}"), account_id=account.unipile_account_id)

    with pytest.raises(UnipileAuthenticationError):
        refresh_all(confirm_gone=True)

    assert len(asked_for(sandbox)[1]) == 1
    assert UnipileAccount.objects.filter(answered_at=None).count() == 3


# --- Dry run, signal ------------------------------------------------------------------------------


def test_dry_run_says_what_the_next_does(
    owner: User, sandbox: Sandbox, waits: list[float], received: list[dict[str, Any]]
) -> None:
    kinds = [KINDS[number % len(KINDS)][0] for number in range(300)]
    accounts = make_accounts(owner, sandbox, (linkedin_account(**kind) for kind in kinds))
    make_account(owner, sandbox, status="disconnected")
    for account in accounts[:3]:
        sandbox.remove(account.unipile_account_id)
    sandbox.update(accounts[3].unipile_account_id, type="WHATSAPP")
    sandbox.remove(accounts[4].unipile_account_id)
    sandbox.inject(Fault(status=500), account_id=accounts[4].unipile_account_id)
    before = table()

    rehearsed = refresh_all(dry_run=True)

    assert table() == before
    assert received == []
    assert said(rehearsed) == said(refresh_all())


def said(results: Iterable[RefreshResult]) -> dict[object, object]:
    return {
        result.account.pk: (result.outcome, result.changes, str(result.error)) for result in results
    }


def test_receivers_hear_of_each_stored_row_once(
    owner: User, sandbox: Sandbox, received: list[dict[str, Any]]
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.update(accounts[0].unipile_account_id, **PREMIUM)
    sandbox.update(accounts[1].unipile_account_id, type="WHATSAPP")

    def fail(**_: Any) -> None:
        account_refreshed.disconnect(fail)
        raise RuntimeError("A receiver's bug is not the run's.")

    account_refreshed.connect(fail, weak=False)
    refresh_all()

    assert sorted(each["account"].pk for each in received) == sorted(
        account.pk for account in accounts if account != accounts[1]
    )
    [upgraded] = [each for each in received if "is_premium" in each["changes"]]
    assert upgraded["account"] == accounts[0]
    assert {each["door"] for each in received} == {Door.COMMAND}


# --- Live -----------------------------------------------------------------------------------------


def test_live_pass_asks_one_after_the_other(owner: User, sandbox: Sandbox) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(25)]
    sandbox.set_plan(accounts[0].unipile_account_id, premium=True)

    results = refresh_all(live=True)

    pairs = [request.path.split("?")[0] for request in sandbox.requests]
    assert pairs[1::2] == ["/api/v1/users/me"] * 25
    asked = [path.rsplit("/", 1)[1] for path in pairs[::2]]
    assert asked == [result.account.unipile_account_id for result in results]
    assert [result.account for result in results if "is_premium" in result.changes] == accounts[:1]


def test_live_pass_asks_though_others_have_read(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "PAGE_SIZE", 2)
    accounts = sorted(free_accounts(owner, sandbox, 3), key=lambda account: account.pk)
    rows = UnipileAccount.objects.all()
    meanwhile(sandbox, lambda: refresh_account(rows, accounts[-1].pk, door=Door.EVENT))

    results = refresh_all(live=True)

    assert [result.account for result in results] == accounts
    assert not rows.filter(live_checked_at=None).exists()


# --- What others do meanwhile ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_row_that_others_answer_is_in_the_report(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 3)
    lost = {"status": "credentials_required", "answered_at": Now(), "version": 1}
    release = hold(accounts[0], **lost)
    results = []

    for result in refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND):
        results.append(result)
        release()

    assert outcomes(results) == {"refreshed": 2, "reconnect_required": 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_listed_row_that_was_gone_is_asked_for(owner: User, sandbox: Sandbox) -> None:
    gone, *_ = free_accounts(owner, sandbox, 3, status="disconnected")
    release = hold(gone)

    for _ in refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND):
        release()

    assert stored(gone)["status"] == "connected"


def test_clock_that_steps_back_reports_nothing_twice(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    later = UnipileAccount.objects.database_time() + timedelta(seconds=9)
    monkeypatch.setattr(UnipileAccount.objects, "database_time", lambda: later)
    selection = unread.Unread(UnipileAccount.objects.all(), live=False)
    monkeypatch.undo()
    monkeypatch.setattr(many, "Unread", lambda *_, **__: selection)

    assert outcomes(refresh_all()) == {"refreshed": len(accounts)}


def test_row_that_failed_is_told_once(owner: User, sandbox: Sandbox, waits: list[float]) -> None:
    ahead = UnipileAccount.objects.database_time() + timedelta(hours=1)
    free_accounts(owner, sandbox, 30, answered_at=ahead, refreshed_at=ahead)
    sandbox.inject(Fault(status=503))

    assert outcomes(refresh_all()) == {"unipile_unavailable": 30}


def test_time_limit_is_no_fault_of_unipile(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_wire, "PAGE_SIZE", 2)
    free_accounts(owner, sandbox, 6, last_error="reconnect_required")
    results = []

    run = refresh_accounts(UnipileAccount.objects.all(), door=Door.ADMIN, seconds=60)
    for result in run:
        results.append(result)
        run.patience._end = 0

    left = [result for result in results if result.error]
    assert len(results) - len(left) == 2
    assert {type(result.error) for result in left} == {UnipileNotAsked}
    errors = UnipileAccount.objects.filter(pk__in=[result.account.pk for result in left])
    assert [*errors.values_list("last_error", flat=True)] == ["reconnect_required"] * 4
