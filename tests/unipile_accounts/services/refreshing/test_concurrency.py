from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, stored
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.services.refreshing import ask as asking
from unipile_accounts.services.refreshing import locking
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Request, Sandbox, linkedin_account

pytestmark = pytest.mark.django_db(transaction=True)

Meanwhile = Callable[[Callable[[], object]], None]
NOTHING = {"is_premium": False, "has_sales_navigator": False}
BOTH = {"is_premium": True, "has_sales_navigator": True}


def post(api: APIClient, pk: uuid.UUID) -> Any:
    return api.post("/api/unipile/refresh", {"accountId": str(pk)}, format="json")


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    return make_account(owner, sandbox, payload=linkedin_account(name="Mara"), name="Mara")


@pytest.fixture
def meanwhile(sandbox: Sandbox) -> Iterator[Meanwhile]:
    """Do something once, when the next answer is made up and not yet sent."""
    done: list[Future[list[Any]]] = []

    def plan(action: Callable[[], object]) -> None:
        def act(_: Request) -> None:
            sandbox.on_answer = None
            done.append(pool.submit(in_threads, 1, lambda _: action()))
            wait(done)

        sandbox.on_answer = act

    with ThreadPoolExecutor() as pool:
        yield plan
    for future in done:
        future.result()
    assert done


# --- Many at once ---------------------------------------------------------------------------------


def test_of_many_refreshes_after_one_upgrade_exactly_one_reports_it(
    owner: User, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["sales_navigator"])
    # All have asked before the first is answered: more than there are database connections.
    everybody = threading.Barrier(20, timeout=20)
    sandbox.on_answer = lambda _: void(everybody.wait())
    apis = [api_client(owner) for _ in range(20)]

    responses = in_threads(20, lambda number: post(apis[number], account.pk))

    assert [response.status_code for response in responses] == [200] * 20
    changed = [response.json()["changed"] for response in responses]
    assert changed.count(BOTH) == 1
    assert changed.count(NOTHING) == 19
    assert {response.json()["weekly_message_limit"] for response in responses} == {150}
    assert stored(account)["has_sales_navigator"] is True


def void(_: object) -> None:
    pass


def test_of_many_refreshes_after_one_upgrade_one_signal_tells_of_it(
    account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    everybody = threading.Barrier(8, timeout=20)
    sandbox.on_answer = lambda _: void(everybody.wait())
    received: list[set[str]] = []

    def receive(changes: dict[str, Any], **_: Any) -> None:
        received.append(set(changes))

    account_refreshed.connect(receive)
    try:
        in_threads(8, lambda _: refresh(account))
    finally:
        account_refreshed.disconnect(receive)

    told = [changes for changes in received if "is_premium" in changes]
    assert len(told) == 1


def refresh(account: UnipileAccount) -> Any:
    return refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)


def test_refreshes_of_different_accounts_all_succeed(owner: User, sandbox: Sandbox) -> None:
    accounts = [
        make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
        for _ in range(20)
    ]
    everybody = threading.Barrier(20, timeout=20)
    sandbox.on_answer = lambda _: void(everybody.wait())

    results = in_threads(20, lambda number: refresh(accounts[number]))

    assert [result.changes["is_premium"] for result in results] == [(False, True)] * 20
    assert UnipileAccount.objects.filter(is_premium=True).count() == 20


def test_refresh_compares_with_the_row_that_somebody_else_is_just_changing(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, waits: threading.Event
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    changed, answered = threading.Event(), threading.Event()
    sandbox.on_answer = lambda _: answered.set()

    def change_slowly(_: int) -> None:
        with transaction.atomic():
            UnipileAccount.objects.filter(pk=account.pk).update(is_premium=True)
            changed.set()
            assert answered.wait(10)
            assert waits.wait(10)

    def refresh_meanwhile(_: int) -> Any:
        assert changed.wait(10)
        return post(api, account.pk)

    work = (change_slowly, refresh_meanwhile)
    _, response = in_threads(2, lambda number: work[number](number))

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    assert stored(account)["weekly_message_limit"] == 150


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tell when somebody has found a row locked; on SQLite he waits in the database."""
    found_locked = threading.Event()
    give_back = asking.give_connection_back

    def tell() -> None:
        found_locked.set()
        give_back()

    monkeypatch.setattr("unipile_accounts.services.refreshing.locking.give_connection_back", tell)
    if connection.vendor != "postgresql":
        found_locked.set()
    return found_locked


def test_locked_row_is_given_up_on_and_holds_no_connection(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    waits: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    monkeypatch.setattr(locking, "PATIENCE", 0.1)
    free = make_account(account.user, sandbox)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    before = stored(account)
    connections_held: list[Any] = []

    def refresh_both(_: int) -> list[Any]:
        sleep = lambda _: connections_held.append(connection.connection)  # noqa: E731
        monkeypatch.setattr(time, "sleep", sleep)
        return [post(api, account.pk), post(api, free.pk)]

    with transaction.atomic():
        list(UnipileAccount.objects.select_for_update().filter(pk=account.pk))
        [(locked, other)] = in_threads(1, refresh_both)

    error = error_of(locked, 503)
    assert (error["code"], locked["Retry-After"]) == ("database_unavailable", "5")
    assert stored(account) == before
    assert other.status_code == 200
    assert waits.is_set()
    assert set(connections_held) == {None}


def test_page_is_stored_without_the_row_that_is_locked(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    monkeypatch.setattr(locking, "PATIENCE", 0.05)
    held, *others = [make_account(owner, sandbox) for _ in range(30)]

    def refresh_all(_: int) -> list[RefreshResult]:
        return list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND))

    with transaction.atomic():
        list(UnipileAccount.objects.select_for_update().filter(pk=held.pk))
        [results] = in_threads(1, refresh_all)

    failed = [result for result in results if result.error]
    assert [(each.account, each.error.code) for each in failed if each.error] == [
        (held, "database_unavailable")
    ]
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == len(others)


# --- While we wait for Unipile --------------------------------------------------------------------


def test_no_transaction_is_open_and_no_connection_held_while_unipile_is_asked(
    api: APIClient, account: UnipileAccount, meanwhile: Meanwhile
) -> None:
    ours = connections["default"]
    seen: list[Any] = []

    def look() -> None:
        seen.extend([ours.in_atomic_block, ours.connection, open_transactions()])

    meanwhile(look)

    assert post(api, account.pk).status_code == 200
    assert seen == [False, None, 0]


def open_transactions() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_account_that_is_given_up_meanwhile_stays_so(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], name="New")
    rows = UnipileAccount.objects.filter(pk=account.pk)
    before = stored(account)
    given_up = {"status": "disconnected", "given_up_at": timezone.now()}
    meanwhile(lambda: rows.update(**given_up))

    response = post(api, account.pk)

    assert response.status_code == 409
    assert response.json()["errors"][0]["code"] == "reconnect_required"
    assert stored(account) == {**before, **given_up}


def test_account_that_is_deleted_meanwhile_is_not_found_and_does_not_come_back(
    api: APIClient, account: UnipileAccount, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: UnipileAccount.objects.filter(pk=account.pk).delete())

    response = post(api, account.pk)

    assert response.status_code == 404
    assert response.json() == post(api, uuid.uuid4()).json()
    assert not UnipileAccount.objects.exists()


def test_account_that_is_deleted_while_unipile_says_gone_is_not_found(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    make_account(account.user, sandbox)
    sandbox.remove(account.unipile_account_id)
    meanwhile(lambda: UnipileAccount.objects.filter(pk=account.pk).delete())

    assert post(api, account.pk).status_code == 404


def test_edits_of_other_columns_meanwhile_survive(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(lambda: rows.update(created_at="2020-01-01T00:00Z"))

    assert post(api, account.pk).status_code == 200
    after = stored(account)
    assert after["is_premium"] is True
    assert after["created_at"].year == 2020


def test_account_that_got_another_owner_meanwhile_is_not_found(
    api: APIClient,
    account: UnipileAccount,
    stranger: User,
    sandbox: Sandbox,
    meanwhile: Meanwhile,
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(lambda: rows.update(user=stranger))

    assert post(api, account.pk).status_code == 404
    assert stored(account)["is_premium"] is False
    # The change is the new owner's to hear of.
    assert post(api_client(stranger), account.pk).json()["changed"]["is_premium"] is True


def test_account_that_got_another_unipile_id_meanwhile_is_asked_for_by_that_one(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], name="Before")
    sandbox.add(linkedin_account("reconnected", premium_features=[], name="After"))
    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(lambda: rows.update(unipile_account_id="reconnected"))

    response = post(api, account.pk)

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    after = stored(account)
    assert (after["name"], after["is_premium"]) == ("After", False)
    assert sandbox.request_count == 2


# --- An answer that was asked for earlier ---------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "later"), [([], ["sales_navigator"]), (["sales_navigator"], [])]
)
def test_answer_asked_for_earlier_that_arrives_later_changes_nothing(
    api: APIClient,
    owner: User,
    account: UnipileAccount,
    sandbox: Sandbox,
    meanwhile: Meanwhile,
    earlier: list[str],
    later: list[str],
) -> None:
    UnipileAccount.objects.filter(pk=account.pk).update(
        is_premium=bool(earlier), has_sales_navigator=bool(earlier)
    )
    sandbox.update(account.unipile_account_id, premium_features=earlier, name="Earlier")
    rows: list[dict[str, Any]] = []

    def ask_again() -> None:
        sandbox.update(account.unipile_account_id, premium_features=later, name="Later")
        assert post(api_client(owner), account.pk).json()["changed"] == BOTH
        rows.append(stored(account))

    meanwhile(ask_again)

    response = post(api, account.pk)

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    assert response.json()["is_premium"] is bool(later)
    assert stored(account) == rows[0]
    assert rows[0]["name"] == "Later"


def test_answer_asked_for_earlier_does_not_undo_a_later_one_that_changed_nothing(
    api: APIClient, owner: User, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    post(api, account.pk)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])

    def ask_again() -> None:
        sandbox.update(account.unipile_account_id, premium_features=[])
        assert post(api_client(owner), account.pk).json()["changed"] == NOTHING

    meanwhile(ask_again)

    assert post(api, account.pk).json()["changed"] == NOTHING
    assert stored(account)["is_premium"] is False


@pytest.mark.parametrize(
    ("earlier", "later"), [([], ["sales_navigator"]), (["sales_navigator"], [])]
)
def test_answers_that_arrive_in_the_order_in_which_they_were_asked_for_are_both_stored(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    earlier: list[str],
    later: list[str],
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=earlier)
    post(api, account.pk)
    before = stored(account)
    sandbox.update(account.unipile_account_id, premium_features=later)

    assert post(api, account.pk).json()["changed"] == BOTH
    assert stored(account)["refreshed_at"] > before["refreshed_at"]
    assert stored(account)["has_sales_navigator"] is bool(later)


@pytest.mark.parametrize("door", ["gone", "logged out"])
def test_bad_news_asked_for_earlier_does_not_undo_a_later_good_answer(
    api: APIClient,
    owner: User,
    account: UnipileAccount,
    sandbox: Sandbox,
    meanwhile: Meanwhile,
    door: str,
) -> None:
    make_account(owner, sandbox)
    payload = sandbox.get(account.unipile_account_id)
    if door == "gone":
        sandbox.remove(account.unipile_account_id)
    else:
        sandbox.update(account.unipile_account_id, status="CREDENTIALS")

    def come_back() -> None:
        sandbox.add(payload)
        assert post(api_client(owner), account.pk).status_code == 200

    meanwhile(come_back)

    assert post(api, account.pk).status_code == 200
    assert stored(account)["status"] == "connected"


@pytest.mark.parametrize(
    ("loss", "status"),
    [("gone", "disconnected"), ("logged out", "credentials_required")],
)
def test_good_answer_asked_for_earlier_does_not_undo_later_bad_news(
    api: APIClient,
    owner: User,
    account: UnipileAccount,
    sandbox: Sandbox,
    meanwhile: Meanwhile,
    loss: str,
    status: str,
) -> None:
    make_account(owner, sandbox)
    rows: list[dict[str, Any]] = []

    def lose() -> None:
        if loss == "gone":
            sandbox.remove(account.unipile_account_id)
        else:
            sandbox.update(account.unipile_account_id, status="CREDENTIALS")
        assert post(api_client(owner), account.pk).status_code == 409
        rows.append(stored(account))

    meanwhile(lose)

    assert post(api, account.pk).status_code == 409
    assert stored(account) == rows[0]
    assert rows[0]["status"] == status


def test_answers_are_put_in_order_by_the_databases_clock_and_not_by_ours(
    account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))

    refresh(account)

    assert stored(account)["refreshed_at"].year > 2001
