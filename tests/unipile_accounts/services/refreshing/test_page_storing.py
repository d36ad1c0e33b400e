"""A page is stored at once, and whoever else writes its rows meanwhile loses nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from tests.helpers import (
    PREMIUM,
    Statements,
    free_accounts,
    hold,
    make_account,
    make_accounts,
    meanwhile,
    outcomes,
    somebody_waits,
    stored,
    table,
    until,
)
from tests.unipile_accounts.services.refreshing.conftest import (
    KINDS,
    asked_for,
    is_list,
    refresh_all,
)
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.services.refreshing import many, page_storing
from unipile_sandbox import Request, Sandbox, linkedin_account

# What the rows of these accounts hold already.
KNOWN = {"name": "Robin Sample", "profile_url": "https://www.linkedin.com/in/robin-sample-example"}
# Statements before the first page and after the last: the time, counts, what is left or read by
# others.
AROUND = 11


@pytest.mark.slow
def test_page_costs_a_handful_of_statements(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    kinds = [KINDS[number % len(KINDS)] for number in range(10_000)]
    payloads = (linkedin_account(**kind) for kind, _ in kinds)
    accounts = make_accounts(owner, sandbox, payloads, **KNOWN)
    gone = accounts[:5]
    for account in gone:
        sandbox.remove(account.unipile_account_id)

    with statements() as executed:
        results = refresh_all()

    assert asked_for(sandbox) == (40, sorted(account.unipile_account_id for account in gone))
    # For a page: the time, the rows, their members, three plans, the lost logins, the names and
    # members, the history. For one: the row, the news, the history.
    # SQLite takes fewer parameters, so Django writes a page in more statements.
    if connection.vendor == "postgresql":
        assert len(executed) == 40 * 9 + 5 * 3 + AROUND
    columns = (
        "is_premium",
        "has_sales_navigator",
        "weekly_connection_limit",
        "weekly_message_limit",
        "status",
    )
    rows = {row[0]: row[1:] for row in UnipileAccount.objects.values_list("pk", *columns)}
    expected = {account.pk: verdict for account, (_, verdict) in zip(accounts, kinds, strict=True)}
    expected |= {account.pk: (False, False, 80, 100, "disconnected") for account in gone}
    assert rows == expected
    assert len(results) == len({result.account.pk for result in results}) == 10_000
    assert not UnipileAccount.objects.filter(answered_at=None).exists()


def test_same_news_of_a_page_are_one_statement(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    refresh_all()
    for account in accounts[:20]:
        sandbox.update(account.unipile_account_id, premiumFeatures=["premium"])
    sandbox.update(accounts[20].unipile_account_id, name="Tobin Arrowood")
    sandbox.update(accounts[21].unipile_account_id, name="Odile Marchetti")

    with statements() as executed:
        results = refresh_all()

    assert sum(bool(result.changes) for result in results) == 22
    # Those without another plan, those with one, the names, and the history.
    assert sum(not sql.startswith("SELECT") for sql in executed) == 4
    plans = UnipileAccount.objects.filter(is_premium=True, weekly_message_limit=150)
    assert {row.pk for row in plans} == {account.pk for account in accounts[:20]}
    names = UnipileAccount.objects.filter(name__in=["Tobin Arrowood", "Odile Marchetti"])
    assert names.filter(is_premium=False, weekly_message_limit=100).count() == 2


def test_page_without_changes_writes_one_statement(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    free_accounts(owner, sandbox, 30)
    refresh_all()
    before = table()

    with statements() as executed:
        results = refresh_all()

    assert sum(not sql.startswith("SELECT") for sql in executed) == 1
    assert not any(result.changes for result in results)
    differing = {
        column
        for old, new in zip(before, table(), strict=True)
        for column in old
        if old[column] != new[column]
    }
    assert differing == {"refreshed_at", "answered_at", "version", "updated_at"}


@pytest.mark.django_db(transaction=True)
def test_older_page_undoes_no_customers_refresh(owner: User, sandbox: Sandbox) -> None:
    account, *_ = free_accounts(owner, sandbox, 30)
    customers: list[RefreshResult] = []

    def upgrade_and_refresh() -> None:
        sandbox.update(account.unipile_account_id, **PREMIUM)
        mine = UnipileAccount.objects.owned_by(owner)
        customers.append(refresh_account(mine, account.pk, door=Door.API))

    meanwhile(sandbox, upgrade_and_refresh)
    results = refresh_all()

    assert stored(account)["is_premium"] is True
    assert stored(account)["refreshed_at"] == customers[0].account.refreshed_at
    assert customers[0].changes["is_premium"] == (False, True)
    assert outcomes(results) == {"refreshed": 30}
    assert all("is_premium" not in result.changes for result in results)


def test_row_deleted_meanwhile_stops_nothing(owner: User, sandbox: Sandbox) -> None:
    unlisted, *_ = free_accounts(owner, sandbox, 30)
    sandbox.remove(unlisted.unipile_account_id)
    doomed = UnipileAccount.objects.filter(pk=unlisted.pk)

    for result in refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND):
        assert result.account != unlisted
        doomed.delete()


@pytest.mark.django_db(transaction=True)
def test_edit_made_meanwhile_survives(owner: User, stranger: User, sandbox: Sandbox) -> None:
    account, *_ = free_accounts(owner, sandbox, 30)
    sandbox.update(account.unipile_account_id, **PREMIUM)

    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(sandbox, lambda: rows.update(user=stranger))
    refresh_all()

    assert (stored(account)["user_id"], stored(account)["is_premium"]) == (stranger.pk, True)


def test_page_is_told_before_anybody_breaks_off(
    owner: User, sandbox: Sandbox, received: list[dict[str, Any]]
) -> None:
    for account in free_accounts(owner, sandbox, 30):
        sandbox.update(account.unipile_account_id, **PREMIUM)
    next(iter(refresh_accounts(UnipileAccount.objects.all(), door=Door.ADMIN, user=owner)))

    assert UnipileAccount.objects.filter(is_premium=True).count() == 30
    history = AccountChange.objects.filter(user=owner, door="admin")
    assert [entry.changes["is_premium"] for entry in history] == [[False, True]] * 30
    assert len({each["account"].pk for each in received}) == 30


@pytest.mark.django_db(transaction=True)
def test_page_is_told_though_the_database_goes(
    owner: User,
    sandbox: Sandbox,
    received: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for account in free_accounts(owner, sandbox, 30):
        sandbox.update(account.unipile_account_id, **PREMIUM)
    for _ in range(2):
        twin = linkedin_account(im={"id": "ACoAAB-twin"})
        make_account(owner, sandbox, payload=twin, linkedin_id="")

    def go(*_: Any, **__: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    # The twins go to the rule of logins, after the commit of the page.
    monkeypatch.setattr(page_storing, "store_new_member", go)
    with pytest.raises(OperationalError):
        refresh_all()

    assert UnipileAccount.objects.filter(is_premium=True).count() == 30
    assert len(received) == 30


@pytest.mark.django_db(transaction=True)
def test_rows_that_somebody_holds_come_later(owner: User, sandbox: Sandbox) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    accounts = free_accounts(owner, sandbox, 30)
    few = accounts[7:10]
    releases = [hold(account) for account in few]

    def release_when_it_is_asked_for(request: Request) -> None:
        if not is_list(request):
            for release in releases:
                release()

    sandbox.on_answer = release_when_it_is_asked_for
    results = refresh_all()

    assert outcomes(results) == {"refreshed": 30}
    # They were in the list, so their number says nothing of the workspace.
    assert asked_for(sandbox) == (1, sorted(account.unipile_account_id for account in few))


def test_members_of_a_page_are_written(owner: User, stranger: User, sandbox: Sandbox) -> None:
    accounts = [*free_accounts(owner, sandbox, 20), *free_accounts(stranger, sandbox, 10)]

    refresh_all()

    members = dict(UnipileAccount.objects.values_list("unipile_account_id", "linkedin_id"))
    assert members == {
        each.unipile_account_id: sandbox.member_id(each.unipile_account_id) for each in accounts
    }


@pytest.mark.django_db(transaction=True)
def test_page_is_stored_though_somebody_was_quicker(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    accounts = free_accounts(owner, sandbox, 30)
    member = sandbox.member_id(accounts[7].unipile_account_id)
    look = page_storing._with_member_elsewhere

    def look_and_be_late(*args: Any) -> Any:
        found = look(*args)
        # Somebody adds the member between the look and the write.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(add).result()
        return found

    def add() -> None:
        make_account(owner, linkedin_id=member, given_up_at=Now(), status="disconnected")
        connections.close_all()

    monkeypatch.setattr(page_storing, "_with_member_elsewhere", look_and_be_late)
    results = refresh_all()

    assert outcomes(results)["refreshed"] == 30
    quicker = UnipileAccount.objects.get(linkedin_id=member)
    assert quicker.pk not in {each.pk for each in accounts}
    assert stored(accounts[7])["answered_at"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_row_that_moves_while_it_is_looked_for_is_left_alone(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, *_ = free_accounts(owner, sandbox, 3)
    held = threading.Event()
    # The move comes between the snapshot of the look and its lock.
    waiting = UnipileAccount.objects.extra(where=["pg_advisory_xact_lock(7)::text = ''"])

    def move() -> None:
        with transaction.atomic():
            list(waiting.filter(pk=moved.pk))
            held.set()
            until(somebody_waits)
            rows = UnipileAccount.objects.filter(pk=moved.pk)
            rows.update(unipile_account_id="moved", version=1)
        connections.close_all()

    def begin_to_move(_: Request) -> None:
        sandbox.on_answer = None
        pool.submit(move)
        assert held.wait(10)

    monkeypatch.setattr(many, "ONE_BY_ONE", 0)
    sandbox.on_answer = begin_to_move
    pool: ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        results = refresh_all(accounts=waiting)

    assert outcomes(results)["refreshed"] == 2
    assert stored(moved)["name"] == ""
