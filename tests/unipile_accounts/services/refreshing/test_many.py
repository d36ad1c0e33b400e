from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import (
    PREMIUM,
    Statements,
    free_accounts,
    make_account,
    make_accounts,
    outcomes,
    stored,
    table,
    until,
)
from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.services.refreshing import pages, patience, writing
from unipile_accounts.signals import account_refreshed
from unipile_accounts.unipile import accounts as client
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def refresh(**options: Any) -> list[RefreshResult]:
    options = {"accounts": UnipileAccount.objects.all(), "door": Door.COMMAND} | options
    return list(refresh_accounts(options.pop("accounts"), **options))


def is_list(request: Request) -> bool:
    return urlsplit(request.path).path == "/api/v1/accounts"


def asked_for(sandbox: Sandbox) -> tuple[int, list[str]]:
    """Return the number of list requests, and the ids of which each was asked for by itself."""
    paths = [urlsplit(request.path).path for request in sandbox.requests]
    alone = [path.rpartition("/")[2] for path in paths if path != "/api/v1/accounts"]
    return len(paths) - len(alone), sorted(alone)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited between tries, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(patience, "pause", seconds.append)
    return seconds


@contextmanager
def on_page(sandbox: Sandbox, number: int) -> Iterator[list[Callable[[], object]]]:
    """Run what is put into the list when page `number` is made up and not yet sent."""
    steps: list[Callable[[], object]] = []
    pages = 0

    def act(request: Request) -> None:
        nonlocal pages
        pages += is_list(request)
        if is_list(request) and pages == number:
            sandbox.on_answer = None
            try:
                for step in steps:
                    step()
            finally:
                connections.close_all()

    sandbox.on_answer = act
    yield steps


# --- What it costs --------------------------------------------------------------------------------

KINDS: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({}, (False, False, 80, 100, "connected")),
    ({"premium_features": ["premium"]}, (True, False, 100, 150, "connected")),
    ({"premium_features": ["sales_navigator"]}, (True, True, 100, 150, "connected")),
    ({"premium_features": None, "premium_id": "ACwAA1"}, (True, False, 100, 150, "connected")),
    ({"statuses": ["CREDENTIALS"]}, (False, False, 80, 100, "credentials_required")),
    ({"statuses": ["CONNECTING"]}, (False, False, 80, 100, "connected")),
]


# What the rows of these accounts hold already.
KNOWN = {"name": "Robin Sample", "profile_url": "https://www.linkedin.com/in/robin-sample-example"}
# Statements before the first page and after the last: the time, counts, what is left.
AROUND = 9


@pytest.mark.slow
def test_ten_thousand_accounts_cost_forty_requests_and_a_handful_of_statements_a_page(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    kinds = [KINDS[number % len(KINDS)] for number in range(10_000)]
    payloads = (linkedin_account(**kind) for kind, _ in kinds)
    accounts = make_accounts(owner, sandbox, payloads, **KNOWN)
    gone = accounts[:5]
    for account in gone:
        sandbox.remove(account.unipile_account_id)

    with statements() as executed:
        results = refresh()

    assert asked_for(sandbox) == (40, sorted(account.unipile_account_id for account in gone))
    # For a page: the time, the rows, what differs, the history. For one: the row besides.
    # SQLite takes fewer parameters, so Django writes a page in more statements.
    if connection.vendor == "postgresql":
        assert len(executed) == 40 * 4 + 5 * 4 + AROUND
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
    assert not UnipileAccount.objects.filter(refreshed_at=None).exists()


def test_rows_that_change_alike_are_written_in_one_statement(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    refresh()
    for account in accounts[:20]:
        sandbox.update(account.unipile_account_id, premiumFeatures=["premium"])
    sandbox.update(accounts[20].unipile_account_id, name="Tobin Arrowood")
    sandbox.update(accounts[21].unipile_account_id, name="Odile Marchetti")

    with statements() as executed:
        results = refresh()

    assert sum(bool(result.changes) for result in results) == 22
    # Those with the new plan, those without a change, the two new names, and the history.
    assert sum(not sql.startswith("SELECT") for sql in executed) == 4
    plans = UnipileAccount.objects.filter(is_premium=True, weekly_message_limit=150)
    assert {row.pk for row in plans} == {account.pk for account in accounts[:20]}
    names = UnipileAccount.objects.filter(name__in=["Tobin Arrowood", "Odile Marchetti"])
    assert names.filter(is_premium=False, weekly_message_limit=100).count() == 2


def test_a_page_without_changes_writes_one_statement(
    owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    free_accounts(owner, sandbox, 30)
    refresh()
    before = table()

    with statements() as executed:
        results = refresh()

    assert sum(not sql.startswith("SELECT") for sql in executed) == 1
    assert not any(result.changes for result in results)
    differing = {
        column
        for old, new in zip(before, table(), strict=True)
        for column in old
        if old[column] != new[column]
    }
    assert differing == {"refreshed_at", "updated_at"}


def test_few_accounts_among_many_are_read_one_by_one(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    few = [account.pk for account in accounts[:2]]

    assert outcomes(refresh(accounts=UnipileAccount.objects.filter(pk__in=few))) == {"refreshed": 2}
    assert asked_for(sandbox) == (
        0,
        sorted(account.unipile_account_id for account in accounts[:2]),
    )


def test_the_list_is_read_no_further_than_needed(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 600)
    first = UnipileAccount.objects.filter(pk__in=[account.pk for account in accounts[:100]])

    assert outcomes(refresh(accounts=first)) == {"refreshed": 100}
    assert asked_for(sandbox) == (1, [])


def test_no_accounts_are_no_requests(owner: User, sandbox: Sandbox) -> None:
    assert refresh() == []
    assert sandbox.request_count == 0


@pytest.mark.django_db(transaction=True)
def test_no_transaction_and_no_connection_is_held_while_unipile_is_asked(
    owner: User, sandbox: Sandbox
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    sandbox.remove(accounts[0].unipile_account_id)
    ours = connections["default"]
    held: list[bool] = []

    def look(request: Request) -> None:
        # The page before may still be stored; nobody waits meanwhile.
        until(lambda: ours.connection is None)
        held.append(ours.in_atomic_block)

    sandbox.on_answer = look
    refresh()

    assert held == [False] * 3


@pytest.mark.django_db(transaction=True)
def test_the_next_page_is_asked_for_while_a_page_is_stored(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    locked, asked = threading.Event(), threading.Event()

    def hold_up_what_is_stored() -> None:
        with transaction.atomic():
            list(UnipileAccount.objects.select_for_update())
            locked.set()
            assert asked.wait(10)
        connections.close_all()

    def look(request: Request) -> None:
        if "cursor" in request.path:
            asked.set()

    sandbox.on_answer = look
    with ThreadPoolExecutor(1) as pool:
        held_up = pool.submit(hold_up_what_is_stored)
        assert locked.wait(10)
        results = refresh()
        held_up.result()

    assert outcomes(results) == {"refreshed": 300}
    assert asked_for(sandbox) == (2, [])


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_meanwhile_is_replaced(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    if connection.vendor == "postgresql":
        # A new pool, of one connection: for each that died the pool waits longer before the next.
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it

    def hang_up() -> None:
        if connection.vendor != "postgresql":
            connection.close()
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with on_page(sandbox, 1) as steps:
        steps.append(hang_up)
        results = refresh()

    assert outcomes(results) == {"refreshed": 300}


# --- Who wins -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_later_refresh_by_a_customer_is_not_overwritten_by_an_older_page(
    owner: User, sandbox: Sandbox
) -> None:
    account, *_ = free_accounts(owner, sandbox, 30)
    customers: list[RefreshResult] = []

    def upgrade_and_refresh() -> None:
        sandbox.update(account.unipile_account_id, **PREMIUM)
        mine = UnipileAccount.objects.owned_by(owner)
        customers.append(refresh_account(mine, account.pk, door=Door.API))

    with on_page(sandbox, 1) as steps:
        steps.append(upgrade_and_refresh)
        results = refresh()

    assert stored(account)["is_premium"] is True
    assert stored(account)["refreshed_at"] == customers[0].account.refreshed_at
    assert customers[0].changes["is_premium"] == (False, True)
    assert outcomes(results) == {"refreshed": 30}
    assert all("is_premium" not in result.changes for result in results)


@pytest.mark.django_db(transaction=True)
def test_a_change_that_a_customer_saw_first_is_reported_to_him_alone(
    owner: User, sandbox: Sandbox
) -> None:
    account, *_ = free_accounts(owner, sandbox, 30)
    sandbox.update(account.unipile_account_id, **PREMIUM)
    customers: list[RefreshResult] = []

    def customer_refreshes() -> None:
        mine = UnipileAccount.objects.owned_by(owner)
        customers.append(refresh_account(mine, account.pk, door=Door.API))

    with on_page(sandbox, 1) as steps:
        steps.append(customer_refreshes)
        results = refresh()

    reports = [*customers, *results]
    assert sum("is_premium" in result.changes for result in reports) == 1


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_deleted_meanwhile_stops_nothing(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    listed, unlisted = accounts[0], accounts[1]
    sandbox.remove(unlisted.unipile_account_id)
    doomed = UnipileAccount.objects.filter(pk__in=[listed.pk, unlisted.pk])

    def delete_when_asked(request: Request) -> None:
        if is_list(request) and "cursor" in request.path:
            until(lambda: UnipileAccount.objects.exclude(refreshed_at=None).count() == 250)
            doomed.filter(pk=listed.pk).delete()
        elif not is_list(request):
            doomed.delete()
        connections.close_all()

    sandbox.on_answer = delete_when_asked
    results = refresh()

    # The listed row was stored with the first page and is reported for it.
    assert outcomes(results) == {"refreshed": 299}
    assert UnipileAccount.objects.count() == 298


@pytest.mark.django_db(transaction=True)
def test_an_edit_made_elsewhere_meanwhile_survives(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    account, *_ = free_accounts(owner, sandbox, 30)
    sandbox.update(account.unipile_account_id, **PREMIUM)

    with on_page(sandbox, 1) as steps:
        steps.append(lambda: UnipileAccount.objects.filter(pk=account.pk).update(user=stranger))
        refresh()

    assert (stored(account)["user_id"], stored(account)["is_premium"]) == (stranger.pk, True)


# --- A list that shifts, and what it may hold -----------------------------------------------------


def test_accounts_that_shift_between_pages_are_each_reported_once(
    owner: User, sandbox: Sandbox
) -> None:
    accounts = free_accounts(owner, sandbox, 600)
    first = accounts[0].unipile_account_id
    payload = sandbox.get(first)

    def shift(request: Request) -> None:
        """Move the first account to the end, so that each page that follows misses one."""
        if is_list(request):
            sandbox.remove(first)
            sandbox.add(payload)

    sandbox.on_answer = shift
    results = refresh()

    assert Counter(result.account.pk for result in results) == {a.pk: 1 for a in accounts}
    assert outcomes(results) == {"refreshed": 600}
    # The 251st moved to the place of the 250th when the first page was out.
    assert asked_for(sandbox) == (3, [accounts[250].unipile_account_id])


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_account_that_comes_again_on_a_later_page_is_reported_once(
    owner: User, sandbox: Sandbox, dry_run: bool
) -> None:
    accounts = free_accounts(owner, sandbox, 260)
    sandbox.update(accounts[247].unipile_account_id, type="WHATSAPP")
    extra = [linkedin_account() for _ in range(5)]

    def add_at_the_start(request: Request) -> None:
        sandbox.on_answer = None
        payloads = [sandbox.get(account.unipile_account_id) for account in accounts]
        for payload in payloads:
            sandbox.remove(payload["id"])
        sandbox.load([*extra, *payloads])

    sandbox.on_answer = add_at_the_start
    results = refresh(dry_run=dry_run)

    assert Counter(result.account.pk for result in results) == {a.pk: 1 for a in accounts}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "WHATSAPP"}, "not_linkedin"),
        ({"premiumFeatures": "premium"}, "unipile_error"),
        ({"sources": {}}, "unipile_error"),
        ({"omit": ["premiumFeatures", "premiumId"]}, "premium_status_pending"),
        ({"object": "Other"}, "unipile_error"),
    ],
)
def test_one_bad_account_keeps_its_row_and_stops_no_other(
    owner: User, sandbox: Sandbox, change: dict[str, Any], code: str
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    bad = accounts[7]
    sandbox.update(bad.unipile_account_id, **change)
    before = stored(bad)

    assert outcomes(refresh()) == {"refreshed": 29, code: 1}
    assert stored(bad) == before
    assert asked_for(sandbox) == (1, [])


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "text",
        {},
        {"id": None},
        {"id": 7},
        {"id": ["x"]},
        {"object": "Account", "id": "NUL\0", "type": "LINKEDIN"},
        {"object": "Account", "id": "lone \ud800", "type": "LINKEDIN"},
        {"object": "Account", "id": "", "type": "LINKEDIN"},
        linkedin_account("other-provider") | {"type": "MAIL"},
    ],
)
def test_items_that_are_nobodys_are_passed_over(
    owner: User, sandbox: Sandbox, item: object
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    items = [sandbox.get(account.unipile_account_id) for account in accounts]
    body = json.dumps({"object": "AccountList", "items": [item, *items], "cursor": None})
    sandbox.inject(Fault(body=body.encode()), page=1)

    assert outcomes(refresh()) == {"refreshed": 30}


def test_an_account_that_is_twice_on_a_page_is_reported_once(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    items = [sandbox.get(account.unipile_account_id) for account in accounts]
    body = json.dumps({"object": "AccountList", "items": [*items, *items], "cursor": None})
    sandbox.inject(Fault(body=body.encode()), page=1)

    assert outcomes(refresh()) == {"refreshed": 30}


def test_cursors_that_go_in_a_circle_end(owner: User, sandbox: Sandbox) -> None:
    unlisted, *listed = free_accounts(owner, sandbox, 30)
    sandbox.remove(unlisted.unipile_account_id)
    items = [sandbox.get(account.unipile_account_id) for account in listed]
    for cursor in ("b", "a", "b"):
        body = json.dumps({"object": "AccountList", "items": items, "cursor": cursor})
        sandbox.inject(Fault(status=200, body=body.encode()), times=1)

    assert outcomes(refresh()) == {"refreshed": 29, "reconnect_required": 1}
    assert asked_for(sandbox)[0] == 3


# --- Accounts that are missing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "missing", "guarded"),
    [(300, 15, False), (300, 16, True), (21, 1, False), (21, 2, True)],
)
def test_many_missing_accounts_are_not_taken_for_gone(
    owner: User, sandbox: Sandbox, count: int, missing: int, guarded: bool
) -> None:
    accounts = free_accounts(owner, sandbox, count)
    for account in accounts[:missing]:
        sandbox.remove(account.unipile_account_id)
    before = {account.pk: stored(account) for account in accounts[:missing]}

    results = refresh()

    code = "unipile_account_not_listed" if guarded else "reconnect_required"
    assert outcomes(results) == {"refreshed": count - missing, code: missing}
    assert len(asked_for(sandbox)[1]) == (0 if guarded else missing)
    if guarded:
        assert {account.pk: stored(account) for account in accounts[:missing]} == before
    else:
        assert UnipileAccount.objects.filter(status="disconnected").count() == missing


def test_missing_accounts_are_told_from_those_that_failed_or_were_refreshed_meanwhile(
    owner: User, sandbox: Sandbox, transactional_db: None
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    for account in accounts[:21]:
        sandbox.remove(account.unipile_account_id)
    for account in accounts[21:30]:
        sandbox.update(account.unipile_account_id, type="WHATSAPP")
    busy = accounts[30:40]

    def customers_refresh() -> None:
        for account in busy:
            refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    with on_page(sandbox, 1) as steps:
        steps.append(customers_refresh)
        results = refresh()

    assert outcomes(results) == {
        "refreshed": 270,
        "not_linkedin": 9,
        "unipile_account_not_listed": 21,
    }


def test_an_empty_workspace_changes_no_row(owner: User, sandbox: Sandbox) -> None:
    for account in free_accounts(owner, sandbox, 30):
        sandbox.remove(account.unipile_account_id)
    before = table()

    results = refresh()

    assert outcomes(results) == {"unipile_account_not_listed": 30}
    assert "does not list 30 of 30 accounts" in str(results[0].error)
    assert table() == before
    assert asked_for(sandbox) == (1, [])


def test_confirm_gone_asks_for_each_missing_account(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 40)
    for account in accounts[:30]:
        sandbox.remove(account.unipile_account_id)

    results = refresh(confirm_gone=True)

    assert outcomes(results) == {"refreshed": 10, "reconnect_required": 30}
    assert len(asked_for(sandbox)[1]) == 30
    assert UnipileAccount.objects.filter(status="disconnected").count() == 30


def test_disconnected_rows_are_skipped_once_and_never_asked_for(
    owner: User, sandbox: Sandbox
) -> None:
    # Given up here, but still listed by Unipile.
    given_up = free_accounts(owner, sandbox, 30, status="disconnected", given_up_at=timezone.now())
    free_accounts(owner, sandbox, 260)
    before = [stored(account) for account in given_up]

    results = refresh()

    assert Counter(result.outcome for result in results) == {"skipped": 30, "refreshed": 260}
    assert [stored(account) for account in given_up] == before
    assert asked_for(sandbox) == (2, [])


def test_row_that_was_gone_and_is_listed_again_is_connected(owner: User, sandbox: Sandbox) -> None:
    back, *_ = free_accounts(owner, sandbox, 30, status="disconnected")

    results = refresh()

    assert outcomes(results) == {"refreshed": 30}
    assert stored(back)["status"] == "connected"


def test_rows_that_are_still_gone_are_not_counted_as_missing(owner: User, sandbox: Sandbox) -> None:
    gone = free_accounts(owner, sandbox, 10, status="disconnected")
    free_accounts(owner, sandbox, 30)
    for account in gone:
        sandbox.remove(account.unipile_account_id)

    results = refresh()

    assert Counter(result.outcome for result in results) == {"skipped": 10, "refreshed": 30}
    assert asked_for(sandbox) == (1, [])


# --- What is stored is told, however the run ends -------------------------------------------------


def test_page_is_told_whole_before_anybody_can_break_off(owner: User, sandbox: Sandbox) -> None:
    for account in free_accounts(owner, sandbox, 30):
        sandbox.update(account.unipile_account_id, **PREMIUM)
    told: list[Any] = []
    receive = lambda account, **_: told.append(account.pk)  # noqa: E731
    account_refreshed.connect(receive)

    next(iter(refresh_accounts(UnipileAccount.objects.all(), door=Door.ADMIN, user=owner)))

    account_refreshed.disconnect(receive)
    assert UnipileAccount.objects.filter(is_premium=True).count() == 30
    history = AccountChange.objects.filter(field="is_premium", user=owner, door="admin")
    assert history.count() == len(set(told)) == 30


def test_history_is_written_with_the_row_or_not_at_all(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(owner, sandbox)
    sandbox.update(account.unipile_account_id, **PREMIUM)
    before = stored(account)

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(writing, "write_history", fail)
    with pytest.raises(ZeroDivisionError):
        refresh()

    assert stored(account) == before
    assert not AccountChange.objects.exists()


# --- A list that moves or does not end ------------------------------------------------------------


def test_accounts_that_appear_meanwhile_end_no_reading(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 600)
    sandbox.listing.grow_by = 400
    sandbox.listing.newest_first = True

    results = refresh()

    assert outcomes(results) == {"refreshed": 600}
    assert Counter(result.account.pk for result in results) == {a.pk: 1 for a in accounts}


def test_list_without_an_end_is_given_up_on(owner: User, sandbox: Sandbox) -> None:
    unlisted, *_ = free_accounts(owner, sandbox, 30)
    sandbox.remove(unlisted.unipile_account_id)
    sandbox.listing.endless = True
    before = stored(unlisted)

    results = refresh()

    assert outcomes(results) == {"refreshed": 29, "unipile_error": 1}
    assert "does not end" in str(results[-1].error)
    assert stored(unlisted) == before
    assert sandbox.request_count <= pages.PAGES_WITHOUT_NEWS + 1


# --- When Unipile fails ---------------------------------------------------------------------------


def test_a_page_that_fails_for_good_leaves_what_was_read_before(
    owner: User, sandbox: Sandbox, waits: list[float]
) -> None:
    accounts = make_accounts(
        owner, sandbox, (linkedin_account(premium_features=["premium"]) for _ in range(1800))
    )
    sandbox.inject(Fault(status=500, error_type="errors/unexpected_error"), page=7)
    left = accounts[1500:]
    before = [stored(account) for account in left]

    results = refresh()

    assert outcomes(results) == {"refreshed": 1500, "unipile_error": 300}
    assert UnipileAccount.objects.filter(is_premium=True, weekly_message_limit=150).count() == 1500
    assert [stored(account) for account in left] == before
    assert {result.account.pk for result in results if result.error} == {a.pk for a in left}
    assert "500 errors/unexpected_error" in str(results[-1].error)
    assert asked_for(sandbox) == (6 + patience.TRIES, [])
    assert len(waits) == patience.TRIES - 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=429, headers={"Retry-After": "7"}), 7),
        (Fault(status=503, headers={"Retry-After": "8"}), 8),
        (Fault(status=429, headers={"Retry-After": "3000"}), patience.LONGEST_PAUSE),
    ],
)
def test_it_waits_as_it_is_told(
    owner: User, sandbox: Sandbox, waits: list[float], fault: Fault, expected: float
) -> None:
    free_accounts(owner, sandbox, 30)
    sandbox.inject(fault, times=2)

    assert outcomes(refresh()) == {"refreshed": 30}
    assert waits == [expected, expected]


def test_it_really_waits(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 30)
    sandbox.inject(Fault(status=429, headers={"Retry-After": "1"}), times=1)
    started = time.monotonic()

    assert outcomes(refresh()) == {"refreshed": 30}
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    "fault", [Fault(status=429), Fault(status=502), Fault(close=True)], ids=["429", "502", "close"]
)
def test_it_backs_off_longer_and_longer_when_it_is_not_told(
    owner: User, sandbox: Sandbox, waits: list[float], fault: Fault
) -> None:
    free_accounts(owner, sandbox, 30)
    before = table()
    sandbox.inject(fault)

    results = refresh()

    assert len(outcomes(results)) == 1
    assert {result.outcome for result in results} == {"failed"}
    assert len(waits) == patience.TRIES - 1
    assert all(shorter < longer for shorter, longer in pairwise(waits))
    assert len({wait % 0.25 for wait in waits}) == len(waits)
    assert table() == before


@pytest.mark.parametrize("page", [1, 2])
def test_a_rejected_key_stops_the_run_and_keeps_what_was_done(
    owner: User, sandbox: Sandbox, page: int
) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=401), page=page)
    results: list[RefreshResult] = []

    with pytest.raises(UnipileAuthenticationError):
        results.extend(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND))

    done = 250 * (page - 1)
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == done
    assert asked_for(sandbox) == (page, [])


def test_a_key_that_is_rejected_for_a_single_account_stops_the_run(
    owner: User, sandbox: Sandbox
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    for account in accounts[:3]:
        sandbox.remove(account.unipile_account_id)
        sandbox.inject(Fault(status=403, body=b"{}"), account_id=account.unipile_account_id)

    with pytest.raises(UnipileAuthenticationError):
        refresh(confirm_gone=True)

    assert len(asked_for(sandbox)[1]) == 1
    assert UnipileAccount.objects.filter(refreshed_at=None).count() == 3


def test_missing_settings_stop_the_run_before_anything_is_asked(
    owner: User, sandbox: Sandbox, settings: Settings
) -> None:
    free_accounts(owner, sandbox, 30)
    settings.UNIPILE_API_KEY = ""

    with pytest.raises(UnipileNotConfigured):
        refresh()

    assert sandbox.request_count == 0


def test_single_accounts_that_fail_in_a_row_end_the_asking(
    owner: User, sandbox: Sandbox, waits: list[float]
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    for account in accounts[:10]:
        sandbox.remove(account.unipile_account_id)
        sandbox.inject(Fault(status=500), account_id=account.unipile_account_id)

    results = refresh(confirm_gone=True)

    assert outcomes(results) == {"refreshed": 20, "unipile_error": 10}
    assert len(asked_for(sandbox)[1]) == patience.FAILURES_IN_A_ROW
    assert UnipileAccount.objects.filter(status="disconnected").count() == 0


def test_after_the_given_seconds_the_rest_is_reported_as_failed(
    owner: User, sandbox: Sandbox
) -> None:
    free_accounts(owner, sandbox, 600)
    sandbox.inject(Fault(delay=5), page=2)
    started = time.monotonic()

    results = refresh(seconds=0.5)

    assert time.monotonic() - started < 2
    assert outcomes(results) == {"refreshed": 250, "unipile_timeout": 350}


# --- Dry run, signal ------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_reports_what_the_next_run_does(
    owner: User, sandbox: Sandbox, waits: list[float]
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
    sent: list[object] = []

    def receive(**kwargs: Any) -> None:
        sent.append(kwargs)

    account_refreshed.connect(receive)
    try:
        rehearsed = refresh(dry_run=True)
    finally:
        account_refreshed.disconnect(receive)

    assert table() == before
    assert sent == []
    assert said(rehearsed) == said(refresh())


def said(results: Iterable[RefreshResult]) -> dict[object, object]:
    return {
        result.account.pk: (result.outcome, result.changes, str(result.error)) for result in results
    }


def test_receivers_hear_of_each_stored_row_once(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.update(accounts[0].unipile_account_id, **PREMIUM)
    sandbox.update(accounts[1].unipile_account_id, type="WHATSAPP")
    heard: list[dict[str, Any]] = []

    def receive(**kwargs: Any) -> None:
        heard.append(kwargs)
        raise RuntimeError("A receiver's bug is not the run's.")

    account_refreshed.connect(receive)
    try:
        refresh()
    finally:
        account_refreshed.disconnect(receive)

    assert Counter(each["account"].pk for each in heard) == {
        account.pk: 1 for account in accounts if account != accounts[1]
    }
    assert [each["account"].pk for each in heard if "is_premium" in each["changes"]] == [
        accounts[0].pk
    ]
    assert {each["door"] for each in heard} == {Door.COMMAND}


def test_the_page_size_is_the_most_that_unipile_gives(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 251)
    refresh()

    queries = [parse_qs(urlsplit(request.path).query) for request in sandbox.requests]
    assert [query["limit"] for query in queries] == [["250"], ["250"]]
    assert client.PAGE_SIZE == 250
