"""The one rule of logins: which row takes one, whether it may, and what it takes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.utils import timezone

from tests.helpers import meanwhile, stored
from tests.unipile_accounts.services.linking.conftest import (
    M1,
    M2,
    a_link,
    a_row,
    at_unipile,
    history,
    is_at_unipile,
    notice,
)
from unipile_accounts.exceptions import (
    AccountLocked,
    UnipilePremiumStatusPending,
    UnipileReconnectRequired,
)
from unipile_accounts.interrupts import Stopped, stop_on_signals
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Door, Origin
from unipile_accounts.services import disconnect_account, refresh_account, refresh_accounts
from unipile_accounts.services.linking import logins
from unipile_accounts.services.linking.events import handle_notice
from unipile_accounts.services.linking.logins import Login, may_take, store_new_member
from unipile_accounts.services.refreshing.writing import note_failures
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

ALIVE = AccountVerdict("connected")
UNSURE = AccountVerdict()
LOST = AccountVerdict("credentials_required", "logged out")
NO_PLAN: dict[str, Any] = {"omit": ["premiumFeatures", "premiumId"]}
PREMIUM: dict[str, Any] = {
    "is_premium": True,
    "weekly_connection_limit": 100,
    "weekly_message_limit": 150,
}
LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00Z")


def connect(user: User, sandbox: Sandbox, **account: Any) -> UnipileAccount:
    """Let a member log in on a new link, and return the row that took the login."""
    unipile_id = at_unipile(sandbox, **account)
    handle_notice(notice(a_link(user), unipile_id))
    return UnipileAccount.objects.get(unipile_account_id=unipile_id)


def read(row: UnipileAccount) -> None:
    with suppress(UnipileReconnectRequired):
        refresh_account(UnipileAccount.objects.all(), row.pk, door=Door.COMMAND)


@pytest.mark.parametrize("has", ["another account", "this account"])
@pytest.mark.parametrize("status", UnipileAccount.Status.values)
@pytest.mark.parametrize("verdict", [ALIVE, UNSURE, LOST])
def test_row_may_take_a_login(has: str, status: str, verdict: AccountVerdict) -> None:
    row = UnipileAccount(unipile_account_id=has, status=status)
    may = {
        "connected": [ALIVE],
        "credentials_required": [ALIVE, UNSURE],
        "disconnected": [ALIVE, UNSURE, LOST],
    }
    login = Login(1, "this account", verdict, timezone.now())

    assert may_take(row, login) is (has == "this account" or verdict in may[status])
    assert may_take(None, login)


def test_login_goes_to_its_members_row(owner: User, sandbox: Sandbox) -> None:
    first, second = a_row(owner, sandbox, M1), a_row(owner, sandbox, M2)
    unipile_id = at_unipile(sandbox, M2)

    handle_notice(notice(a_link(owner, first), unipile_id))

    second.refresh_from_db()
    assert second.unipile_account_id == unipile_id
    assert UnipileAccount.objects.get(pk=first.pk).linkedin_id == M1


def test_login_goes_to_the_links_row_without_member(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, linkedin_id="", status="disconnected")
    unipile_id = at_unipile(sandbox, M2)

    handle_notice(notice(a_link(owner, row), unipile_id))

    row.refresh_from_db()
    assert (row.unipile_account_id, row.linkedin_id) == (unipile_id, M2)


def test_login_goes_to_the_row_of_its_id(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, linkedin_id="", answered_at=None)

    handle_notice(notice(a_link(owner), row.unipile_account_id))

    assert UnipileAccount.objects.get().pk == row.pk
    assert UnipileAccount.objects.get().linkedin_id == M1


def test_login_of_a_new_member_is_a_new_row(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, M1, status="disconnected")
    before = stored(row)
    unipile_id = at_unipile(sandbox, M2)

    handle_notice(notice(a_link(owner, row), unipile_id))

    new = UnipileAccount.objects.exclude(pk=row.pk).get()
    assert (new.unipile_account_id, new.linkedin_id, new.user) == (unipile_id, M2, owner)
    assert stored(row) == before
    assert history(new)[0]["status"] == [None, "connected"]


def test_members_row_of_another_owner_takes_nothing(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    theirs = a_row(stranger, sandbox, M1)
    before = stored(theirs)

    assert connect(owner, sandbox).user == owner
    assert stored(theirs) == before
    assert is_at_unipile(sandbox, theirs.unipile_account_id)


@pytest.mark.parametrize(
    ("status", "taken"),
    [("OK", "connected"), ("CONNECTING", "connected"), ("CREDENTIALS", "credentials_required")],
)
def test_row_takes_what_the_login_says(
    owner: User, sandbox: Sandbox, status: str, taken: str
) -> None:
    row = a_row(owner, sandbox, status="disconnected", last_error="reconnect_required", version=3)
    row.given_up_at = row.answered_at
    row.save()

    connect(owner, sandbox, status=status, name="Mara", public_identifier="mara-example")

    row.refresh_from_db()
    assert (row.status, row.given_up_at, row.version) == (taken, None, 4)
    assert row.last_error == ("reconnect_required" if taken == "credentials_required" else "")
    assert row.name == ("" if status == "CREDENTIALS" else "Mara")
    assert row.answered_at
    assert row.answered_at == row.last_tried_at


def test_login_without_a_plan_keeps_the_members_plan(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, **PREMIUM, status="disconnected", refreshed_at=LONG_AGO)

    connect(owner, sandbox, **NO_PLAN)

    row.refresh_from_db()
    assert (row.is_premium, row.refreshed_at, row.status) == (True, LONG_AGO, "connected")


def test_plan_of_an_unknown_member_is_not_taken(owner: User, sandbox: Sandbox) -> None:
    row = a_row(
        owner, sandbox, linkedin_id="", **PREMIUM, status="disconnected", refreshed_at=LONG_AGO
    )
    unipile_id = at_unipile(sandbox, M2, **NO_PLAN)

    handle_notice(notice(a_link(owner, row), unipile_id))

    row.refresh_from_db()
    assert (row.linkedin_id, row.refreshed_at) == (M2, None)


@pytest.mark.parametrize(
    ("kept", "other", "is_premium"),
    [
        ({"refreshed_at": 2}, {"refreshed_at": 1}, False),
        ({"refreshed_at": 1}, {"refreshed_at": 2}, True),
        ({"refreshed_at": 2}, {"refreshed_at": 1, "live_checked_at": 1}, True),
        ({"refreshed_at": 1, "live_checked_at": 1}, {"refreshed_at": 2}, False),
        ({}, {"refreshed_at": 1}, True),
        # A time ahead of the clock is none.
        ({"refreshed_at": 24 * 10_000}, {"refreshed_at": 1}, True),
    ],
)
def test_later_reading_of_a_plan_is_kept(
    owner: User, sandbox: Sandbox, kept: dict[str, int], other: dict[str, int], is_premium: bool
) -> None:
    def moments(hours: dict[str, int]) -> dict[str, Any]:
        return {name: LONG_AGO + timedelta(hours=hour) for name, hour in hours.items()}

    row = a_row(owner, sandbox, **moments(kept))
    unipile_id = at_unipile(sandbox, **NO_PLAN)
    second = a_row(owner, sandbox, unipile_account_id=unipile_id, linkedin_id="")
    UnipileAccount.objects.filter(pk=second.pk).update(**PREMIUM, **moments(other))

    handle_notice(notice(a_link(owner), unipile_id))

    row.refresh_from_db()
    assert not UnipileAccount.objects.filter(pk=second.pk).exists()
    assert row.is_premium is is_premium
    assert row.weekly_message_limit == (150 if is_premium else 100)


def test_second_row_ends_its_history_with_the_first(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    second = a_row(owner, sandbox, linkedin_id="")
    old, new = row.unipile_account_id, second.unipile_account_id

    read(second)

    assert UnipileAccount.objects.get().pk == row.pk
    assert history(second.pk) == [
        {"status": ["connected", None], "merged_into": [None, str(row.pk)]}
    ]
    [entry] = history(row)
    assert entry["provider_account_id"] == [old, new]
    assert "status" not in entry
    assert "is_premium" not in entry
    assert not is_at_unipile(sandbox, old)


def test_stopped_pass_publishes_its_merges(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    second = a_row(owner, sandbox, linkedin_id="")
    told = []

    def stop_before_deleting(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "unipile_connect_links" in sql:
            signal.raise_signal(signal.SIGTERM)
        return execute(sql, *rest)

    def publish(account: UnipileAccount, **_: object) -> None:
        told.append(account)

    account_refreshed.connect(publish)
    deleting = connection.execute_wrapper(stop_before_deleting)
    with stop_on_signals(), deleting, pytest.raises(Stopped):
        list(refresh_accounts(UnipileAccount.objects.filter(pk=second.pk), door=Door.COMMAND))

    assert told == [row]


def test_broken_database_after_a_merge_loses_no_result(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = a_row(owner, sandbox)
    second = a_row(owner, sandbox, linkedin_id="")

    def break_down(_: str) -> None:
        raise OperationalError

    monkeypatch.setattr(logins, "delete_unused", break_down)

    assert refresh_account(UnipileAccount.objects.all(), second.pk, door=Door.API).account == row


def test_answer_that_comes_too_late_is_not_noted(owner: User, sandbox: Sandbox) -> None:
    now = UnipileAccount.objects.database_time()
    moments: dict[str, Any] = {"answered_at": now, "last_tried_at": now}
    row = a_row(owner, sandbox, linkedin_id="", status="credentials_required", **moments)
    asked_at = now - timedelta(minutes=1)

    result = store_new_member(
        row, ALIVE._replace(linkedin_id=M1), asked_at=asked_at, origin=Origin(Door.API)
    )

    assert result
    assert result.error
    note_failures([result])
    row.refresh_from_db()
    assert (row.last_error, row.last_tried_at) == ("", now)


def test_whoever_refreshed_the_second_row_gets_the_first(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    second = a_row(owner, sandbox, linkedin_id="")
    rows = UnipileAccount.objects.all()

    assert refresh_account(rows, second.pk, door=Door.API).account == row
    with pytest.raises(UnipileAccount.DoesNotExist):
        refresh_account(rows, second.pk, door=Door.API)


def test_row_given_up_meanwhile_stays_given_up(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, linkedin_id="")
    rows = UnipileAccount.objects.all()
    meanwhile(sandbox, lambda: disconnect_account(rows, row.pk, door=Door.API))

    read(row)

    assert rows.get().given_up_at


def test_given_up_row_takes_the_login_that_staff_added(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    disconnect_account(UnipileAccount.objects.all(), row.pk, door=Door.API)
    second = a_row(owner, sandbox, linkedin_id="")

    read(second)

    kept = UnipileAccount.objects.get()
    assert (kept.pk, kept.status, kept.given_up_at) == (row.pk, "connected", None)
    assert kept.unipile_account_id == second.unipile_account_id
    assert is_at_unipile(sandbox, second.unipile_account_id)


def test_unsure_login_that_was_read_stays_listed(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, status="disconnected", given_up_at=timezone.now())
    second = a_row(owner, sandbox, linkedin_id="")
    sandbox.update(second.unipile_account_id, status="CONNECTING")

    read(second)

    kept = UnipileAccount.objects.get()
    assert (kept.pk, kept.status, kept.given_up_at) == (row.pk, "connected", None)


def test_lost_login_that_was_read_leaves_the_first_row(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    before = stored(row)
    second = a_row(owner, sandbox, linkedin_id="")
    sandbox.update(second.unipile_account_id, status="CREDENTIALS")

    read(second)

    second.refresh_from_db()
    assert (second.status, second.linkedin_id) == ("credentials_required", "")
    assert stored(row) == before
    assert is_at_unipile(sandbox, row.unipile_account_id)


@pytest.mark.parametrize("status", ["CONNECTING", "CREDENTIALS"])
def test_login_that_may_not_take_stays_claimed(owner: User, sandbox: Sandbox, status: str) -> None:
    row = a_row(owner, sandbox)
    before = stored(row)
    unipile_id, link = at_unipile(sandbox, status=status), a_link(owner)

    with pytest.raises(UnipilePremiumStatusPending):
        handle_notice(notice(link, unipile_id))

    link.refresh_from_db()
    assert (link.claimed_account_id, link.used_at) == (unipile_id, None)
    assert stored(row) == before


@pytest.mark.parametrize(
    ("status", "row_status", "is_given_up", "is_deleted"),
    [
        ("OK", "connected", False, True),
        ("OK", "disconnected", False, True),
        ("CONNECTING", "credentials_required", False, False),
        ("CONNECTING", "disconnected", True, True),
        ("CREDENTIALS", "disconnected", False, False),
        ("CREDENTIALS", "disconnected", True, True),
    ],
)
def test_replaced_login_is_deleted_for_a_good_reason(
    owner: User,
    sandbox: Sandbox,
    status: str,
    row_status: str,
    is_given_up: bool,
    is_deleted: bool,
) -> None:
    row = a_row(owner, sandbox, status=row_status, given_up_at=LONG_AGO if is_given_up else None)

    new = connect(owner, sandbox, status=status)

    assert new.pk == row.pk
    assert is_at_unipile(sandbox, row.unipile_account_id) is not is_deleted
    assert is_at_unipile(sandbox, new.unipile_account_id)


def test_replaced_login_that_is_claimed_is_kept(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    row = a_row(owner, sandbox)
    a_link(stranger, claimed_account_id=row.unipile_account_id, claimed_at=timezone.now())

    connect(owner, sandbox)

    assert is_at_unipile(sandbox, row.unipile_account_id)


def at_once(*work: Callable[[], object]) -> list[Exception | None]:
    """Do this together, and return what each has raised."""
    barrier = Barrier(len(work))

    def do(each: Callable[[], object]) -> Exception | None:
        try:
            barrier.wait()
            each()
        except Exception as exc:  # noqa: BLE001
            return exc
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(do, work))


@pytest.mark.parametrize("turn", range(5))
def test_two_links_of_one_member_make_one_row(owner: User, sandbox: Sandbox, turn: int) -> None:
    ids = [at_unipile(sandbox), at_unipile(sandbox)]
    notices = [notice(a_link(owner), unipile_id) for unipile_id in ids]

    raised = at_once(*(lambda each=each: handle_notice(each) for each in notices))

    assert raised == [None, None]
    row = UnipileAccount.objects.get()
    assert row.unipile_account_id in ids
    assert [is_at_unipile(sandbox, each) for each in ids] == [
        each == row.unipile_account_id for each in ids
    ]


@pytest.mark.parametrize("turn", range(5))
def test_two_owners_claims_of_one_account_make_one_row(
    owner: User, stranger: User, sandbox: Sandbox, turn: int
) -> None:
    unipile_id = at_unipile(sandbox)
    notices = [notice(a_link(user), unipile_id) for user in (owner, stranger)]

    raised = at_once(*(lambda each=each: handle_notice(each) for each in notices))

    assert [type(each) for each in raised if each] == [PermissionDenied]
    assert UnipileAccount.objects.get().unipile_account_id == unipile_id
    assert is_at_unipile(sandbox, unipile_id)


@pytest.mark.parametrize("turn", range(5))
def test_two_rows_of_a_member_read_at_once_are_one(
    owner: User, sandbox: Sandbox, turn: int
) -> None:
    rows = [a_row(owner, sandbox, linkedin_id="") for _ in range(2)]

    raised = at_once(*(lambda row=row: read(row) for row in rows))

    assert [each for each in raised if not isinstance(each, AccountLocked)] == [None, None]
    assert UnipileAccount.objects.get().linkedin_id == M1
