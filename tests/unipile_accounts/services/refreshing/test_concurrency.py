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
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, somebody_waits, stored, until
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.services.refreshing import locking
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


def test_of_many_refreshes_one_reports_the_upgrade(
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


def refresh(account: UnipileAccount) -> Any:
    return refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)


def test_refresh_compares_with_what_others_just_wrote(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    changed, answered = threading.Event(), threading.Event()
    sandbox.on_answer = lambda _: answered.set()

    def change_slowly(_: int) -> None:
        with transaction.atomic():
            rows = UnipileAccount.objects.filter(pk=account.pk)
            rows.update(is_premium=True, version=F("version") + 1)
            changed.set()
            assert answered.wait(10)
            until(somebody_waits)

    def refresh_meanwhile(_: int) -> Any:
        assert changed.wait(10)
        return post(api, account.pk)

    work = (change_slowly, refresh_meanwhile)
    _, response = in_threads(2, lambda number: work[number](number))

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    assert stored(account)["weekly_message_limit"] == 150


@pytest.fixture
def lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locked rows only briefly, where the database's sessions do."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        if cursor.fetchone()[0] == "0":
            pytest.skip("The sessions have no lock_timeout")
    monkeypatch.setattr(locking, "LOCK_WAIT", 0.1)


@pytest.mark.usefixtures("lock_timeout")
def test_many_who_wait_leave_connections_to_others(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "LOCK_WAIT", 2.0)
    free = make_account(account.user, sandbox)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    before = stored(account)
    seconds: list[float] = []

    def refresh_either(number: int) -> Any:
        if number < 20:
            return post(api, account.pk)
        until(somebody_waits)
        started = time.monotonic()
        response = post(api, free.pk)
        seconds.append(time.monotonic() - started)
        return response

    with transaction.atomic():
        list(UnipileAccount.objects.select_for_update().filter(pk=account.pk))
        *locked, other = in_threads(21, refresh_either)

    for response in locked:
        assert error_of(response, 503)["code"] == "database_unavailable"
        assert response["Retry-After"] == "5"
    assert stored(account) == before
    assert other.status_code == 200
    assert seconds[0] < 2


@pytest.mark.usefixtures("lock_timeout")
def test_pass_gives_a_locked_row_up(owner: User, sandbox: Sandbox) -> None:
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
    assert UnipileAccount.objects.exclude(answered_at=None).count() == len(others)


# --- While we wait for Unipile --------------------------------------------------------------------


def test_refresh_holds_no_connection_while_it_waits(
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


def test_account_given_up_meanwhile_stays_so(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], name="New")
    rows = UnipileAccount.objects.filter(pk=account.pk)
    before = stored(account)
    given_up = {"status": "disconnected", "given_up_at": timezone.now(), "version": 1}
    meanwhile(lambda: rows.update(**given_up))

    response = post(api, account.pk)

    assert response.status_code == 409
    assert response.json()["errors"][0]["code"] == "reconnect_required"
    assert stored(account) == {**before, **given_up}


def test_account_deleted_meanwhile_is_not_found(
    api: APIClient, account: UnipileAccount, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: UnipileAccount.objects.filter(pk=account.pk).delete())

    response = post(api, account.pk)

    assert response.status_code == 404
    assert response.json() == post(api, uuid.uuid4()).json()
    assert not UnipileAccount.objects.exists()


def test_account_of_a_new_owner_is_missing(
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


def test_new_unipile_id_is_another_question(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], name="Before")
    member = {"id": account.linkedin_id}
    sandbox.add(linkedin_account("reconnected", name="After", im=member))
    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(lambda: rows.update(unipile_account_id="reconnected"))

    response = post(api, account.pk)

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    after = stored(account)
    assert (after["name"], after["is_premium"]) == ("After", False)
    assert sandbox.request_count == 2


# --- An answer that was asked for earlier ---------------------------------------------------------


def test_answer_asked_for_earlier_changes_nothing(
    api: APIClient, owner: User, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=[], name="Earlier")
    features = ["sales_navigator"]
    rows: list[dict[str, Any]] = []

    def ask_again() -> None:
        sandbox.update(account.unipile_account_id, premium_features=features, name="Later")
        assert post(api_client(owner), account.pk).json()["changed"] == BOTH
        rows.append(stored(account))

    meanwhile(ask_again)

    response = post(api, account.pk)

    assert response.status_code == 200
    assert response.json()["changed"] == NOTHING
    assert response.json()["is_premium"] is True
    assert stored(account) == rows[0]
    assert rows[0]["name"] == "Later"


def test_earlier_good_answer_undoes_no_bad_news(
    api: APIClient, owner: User, account: UnipileAccount, sandbox: Sandbox, meanwhile: Meanwhile
) -> None:
    rows: list[dict[str, Any]] = []

    def lose() -> None:
        sandbox.update(account.unipile_account_id, status="CREDENTIALS")
        assert post(api_client(owner), account.pk).status_code == 409
        rows.append(stored(account))

    meanwhile(lose)

    error = error_of(post(api, account.pk), 409)
    assert error["code"] == "reconnect_required"
    assert stored(account) == rows[0]
    assert rows[0]["status"] == "credentials_required"


def test_answers_are_ordered_by_the_databases_clock(
    account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))

    refresh(account)

    assert stored(account)["answered_at"].year > 2001
