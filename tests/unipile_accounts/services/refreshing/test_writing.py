from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from tests.helpers import make_account, stored
from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileError,
    UnipileNotAsked,
    UnipileServerError,
)
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.refreshing import writing
from unipile_accounts.services.refreshing.deciding import decide
from unipile_accounts.services.refreshing.locking import patiently
from unipile_sandbox import linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
PREMIUM = {
    "is_premium": [False, True],
    "weekly_connection_limit": [80, 100],
    "weekly_message_limit": [100, 150],
}


@pytest.fixture
def account(owner: User) -> UnipileAccount:
    return make_account(owner, payload=linkedin_account(ID), name="Robin Sample")


def read() -> UnipileAccount:
    return UnipileAccount.objects.with_database_time().get()


def verdict(**changes: Any) -> AccountVerdict:
    payload = linkedin_account(ID, **changes)
    return read_account(payload, unipile_account_id=ID)._replace(profile_url=None)


def store(row: UnipileAccount, said: AccountVerdict, **options: Any) -> RefreshResult | None:
    defaults: dict[str, Any] = {"asked_at": row.database_time, "origin": Origin(Door.API)}
    return writing.store(row, said, **(defaults | options))


def store_page(
    row: UnipileAccount, said: AccountVerdict, asked_at: datetime | None = None
) -> RefreshResult:
    decision = decide(row, said, asked_at=asked_at or row.database_time)
    result = decision.result(row)
    writing.write_page([(row, decision)], Origin(Door.COMMAND))
    return result


def history() -> list[dict[str, Any]]:
    return [entry.changes for entry in AccountChange.objects.order_by("id")]


# --- One account ----------------------------------------------------------------------------------


def test_success_clears_a_failure_noted_meanwhile(account: UnipileAccount) -> None:
    row = read()
    UnipileAccount.objects.update(last_error="unipile_timeout")

    assert store(row, verdict())

    assert UnipileAccount.objects.get().last_error == ""


def test_answer_without_change_is_one_statement(account: UnipileAccount) -> None:
    store(read(), verdict())
    row, before = read(), stored(account)

    with CaptureQueriesContext(connection) as queries:
        result = store(row, verdict())

    assert [query["sql"].split()[0] for query in queries] == ["UPDATE"]
    assert result
    assert (result.stored, result.changes) == (True, {})
    after = stored(account)
    assert after == before | {
        "version": before["version"] + 1,
        "refreshed_at": row.database_time,
        "answered_at": row.database_time,
        "updated_at": after["updated_at"],
    }


def test_change_is_one_entry_of_the_history(
    account: UnipileAccount, owner: User, stranger: User
) -> None:
    origin = Origin(Door.ADMIN, stranger)

    result = store(read(), verdict(premium_features=["premium"], name="Mara"), origin=origin)

    assert result
    assert {*result.changes} == {*PREMIUM, "name"}
    entry = AccountChange.objects.get()
    assert entry.changes == PREMIUM | {"display_name": ["Robin Sample", "Mara"]}
    assert (entry.account_id, entry.owner, entry.user) == (account.pk, owner, stranger)
    assert entry.door == "admin"


@pytest.mark.parametrize("changed", ["version", "user", "unipile_account_id"])
def test_row_that_is_not_as_read_is_kept(
    account: UnipileAccount, stranger: User, changed: str
) -> None:
    row = read()
    new = {"version": 7, "user": stranger, "unipile_account_id": "another"}[changed]
    UnipileAccount.objects.update(**{changed: new})
    before = stored(account)

    for said in (verdict(), verdict(premium_features=["premium"])):
        assert store(row, said) is None

    assert stored(account) == before
    assert history() == []


def test_dry_run_tells_and_writes_nothing(account: UnipileAccount) -> None:
    before = stored(account)

    result = store(read(), verdict(premium_features=["premium"]), dry_run=True)

    assert result
    assert result.changes["is_premium"] == (False, True)
    assert stored(account) == before
    assert history() == []


@pytest.mark.parametrize("write", [store, store_page])
def test_history_is_written_with_the_row(
    account: UnipileAccount, write: Callable[..., Any]
) -> None:
    row, before = read(), stored(account)
    said = verdict(premium_features=["premium"])

    def fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if "INSERT INTO" in sql and AccountChange._meta.db_table in sql:
            raise ZeroDivisionError
        return execute(sql, *args)

    # Of a page the caller begins the transaction.
    work = partial(write, row, said)
    work = partial(patiently, work) if write is store_page else work
    with connection.execute_wrapper(fail), pytest.raises(ZeroDivisionError):
        work()

    assert stored(account) == before


# --- Rows that are locked -------------------------------------------------------------------------


def test_page_writes_what_one_refresh_writes(account: UnipileAccount) -> None:
    said = verdict(premium_features=["premium"])
    row = read()
    for_one = store(row, said, dry_run=True)

    result = store_page(read(), said, asked_at=row.database_time)

    assert for_one
    assert result.changes == for_one.changes
    assert history() == [PREMIUM]
    after = stored(account)
    assert (after["version"], after["is_premium"]) == (1, True)
    assert after["answered_at"] == after["refreshed_at"] == row.database_time
    assert after["linkedin_id"] == said.linkedin_id


def test_page_without_plan_moves_no_plan_time(account: UnipileAccount) -> None:
    store(read(), verdict())
    store_page(read(), verdict(statuses=["CREDENTIALS"]))
    plan_time = stored(account)["refreshed_at"]

    store_page(read(), verdict(statuses=["CREDENTIALS"]))

    after = stored(account)
    assert after["refreshed_at"] == plan_time < after["answered_at"]
    assert after["version"] == 3


def test_new_row_tells_a_plan_that_is_known(owner: User) -> None:
    for refreshed_at, told in ((None, False), (UnipileAccount.objects.database_time(), True)):
        row = UnipileAccount(
            user=owner, unipile_account_id=ID, name="Mara", refreshed_at=refreshed_at
        )
        writing.add(row, Origin(Door.CONNECT, owner))
        entry = history()[-1]
        assert entry["display_name"] == [None, "Mara"]
        assert entry["provider_account_id"] == [None, ID]
        assert "profile_url" not in entry
        assert (entry.get("is_premium") == [None, False]) is told
        UnipileAccount.objects.filter(pk=row.pk).delete()


def test_move_is_told_to_both_owners(account: UnipileAccount, owner: User, stranger: User) -> None:
    writing.move(account.pk, stranger.pk, Origin(Door.ADMIN, owner))

    entries = AccountChange.objects.order_by("id").values_list("owner", "changes")
    assert list(entries) == [
        (owner.pk, {"status": ["connected", None]}),
        (stranger.pk, {"status": [None, "connected"]}),
    ]
    assert (stored(account)["user_id"], stored(account)["version"]) == (stranger.pk, 1)


def test_deletion_looks_at_the_row_again(account: UnipileAccount) -> None:
    row = read()
    UnipileAccount.objects.update(answered_at=row.database_time)

    with pytest.raises(ProtectedError), transaction.atomic():
        row.delete()

    assert UnipileAccount.objects.exists()
    assert history() == []


# --- The note of a failure ------------------------------------------------------------------------


def note(row: UnipileAccount, error: UnipileError, **fields: Any) -> None:
    writing.note_failures([RefreshResult(row, error=error, **fields)])


def failure() -> UnipileError:
    return UnipileServerError("Unipile answered 500.")


def test_failure_is_noted_and_nothing_else(account: UnipileAccount) -> None:
    row, before = read(), stored(account)

    note(row, failure(), asked_at=row.database_time)

    assert stored(account) == before
    noted = read()
    assert (noted.last_error, noted.last_tried_at) == ("unipile_error", row.database_time)


def test_failure_that_was_stored_needs_no_note(account: UnipileAccount) -> None:
    note(read(), failure(), stored=True)
    note(read(), AccountLocked("Somebody holds it."))
    note(read(), UnipileNotAsked("The time was over."))

    assert read().last_error == ""


@pytest.mark.parametrize("changed", ["user", "unipile_account_id", "last_tried_at"])
def test_failure_of_another_question_is_not_noted(
    account: UnipileAccount, stranger: User, changed: str
) -> None:
    row = read()
    new = {"user": stranger, "unipile_account_id": "another", "last_tried_at": row.database_time}
    UnipileAccount.objects.update(**{changed: new[changed]})

    note(row, failure(), asked_at=row.database_time - timedelta(seconds=1))

    assert read().last_error == ""


def test_time_in_the_future_hides_no_failure(account: UnipileAccount) -> None:
    row = read()
    UnipileAccount.objects.update(last_tried_at=row.database_time + timedelta(days=1))

    note(row, failure(), asked_at=row.database_time)

    assert read().last_error == "unipile_error"
