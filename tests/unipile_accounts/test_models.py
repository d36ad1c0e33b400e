from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from tests.helpers import make_account
from unipile_accounts.limits import FREE, PREMIUM, Plan
from unipile_accounts.models import AccountChange, UnipileAccount

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"


def test_new_account_is_connected_and_not_known(owner: User) -> None:
    account = UnipileAccount.objects.create(user=owner, unipile_account_id=ID)

    account.refresh_from_db()
    assert isinstance(account.pk, uuid.UUID)
    assert account.pk.version == 4
    assert account.status == "connected"
    assert (account.is_premium, account.has_sales_navigator) == (False, False)
    assert (account.weekly_connection_limit, account.weekly_message_limit) == (80, 100)
    assert account.refreshed_at is None
    assert account.created_at <= account.updated_at


def test_names_are_those_that_others_hold_on_to() -> None:
    assert UnipileAccount._meta.db_table == "unipile_accounts"
    assert UnipileAccount.Status.values == ["connected", "credentials_required", "disconnected"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"unipile_account_id": ""},
        {"status": "gone"},
        {"weekly_connection_limit": 0},
        {"weekly_message_limit": 0},
    ],
)
def test_database_refuses_a_row_that_makes_no_sense(owner: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        UnipileAccount.objects.create(**{"user": owner, "unipile_account_id": ID, **wrong})

    assert not UnipileAccount.objects.exists()


def test_unipile_id_has_one_row_only(owner: User, stranger: User) -> None:
    UnipileAccount.objects.create(user=owner, unipile_account_id=ID)

    with pytest.raises(IntegrityError), transaction.atomic():
        UnipileAccount.objects.create(user=stranger, unipile_account_id=ID)

    assert UnipileAccount.objects.get().user == owner


def test_member_has_one_row_of_an_owners(owner: User, stranger: User) -> None:
    make_account(owner, linkedin_id="ACoAAB")
    make_account(stranger, linkedin_id="ACoAAB")
    [make_account(owner) for _ in range(2)]

    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(owner, linkedin_id="ACoAAB")


@pytest.mark.parametrize("unipile_account_id", ["a" * 21, f"{ID}\n", f"{ID[:-1]}/"])
def test_form_refuses_what_is_no_unipile_id(owner: User, unipile_account_id: str) -> None:
    account = UnipileAccount(user=owner, unipile_account_id=unipile_account_id)

    with pytest.raises(ValidationError) as caught:
        account.full_clean()

    assert "unipile_account_id" in caught.value.error_dict


def test_form_takes_a_unipile_id(owner: User) -> None:
    account = UnipileAccount(user=owner, unipile_account_id="-Qe7TzH2R0uJm5nXc8VwPg", name="")

    account.full_clean()


def test_readable_accounts_are_those_not_given_up(owner: User) -> None:
    accounts = {make_account(owner, status=status) for status in UnipileAccount.Status}
    given_up = make_account(owner, status="disconnected", given_up_at=timezone.now())

    assert set(UnipileAccount.objects.readable()) == accounts
    assert set(UnipileAccount.objects.given_up()) == {given_up}


def test_answer_ahead_of_the_clock_has_no_age(owner: User) -> None:
    now = UnipileAccount.objects.database_time()
    ahead = make_account(owner, answered_at=now + timedelta(hours=1))
    never = make_account(owner)
    old = make_account(owner, answered_at=now - timedelta(days=2))
    make_account(owner, answered_at=now)

    yesterday = now - timedelta(days=1)
    assert set(UnipileAccount.objects.not_answered_since(yesterday)) == {ahead, never, old}


@pytest.mark.parametrize(
    ("row", "plan"),
    [
        ({"is_premium": True, "has_sales_navigator": True}, None),
        ({"refreshed_at": timezone.now()}, FREE),
        ({"refreshed_at": timezone.now() + timedelta(days=9), "is_premium": True}, PREMIUM),
    ],
)
def test_plan_is_known_once_it_was_read(row: dict[str, Any], plan: Plan | None) -> None:
    assert UnipileAccount(**row).plan == plan


LIVING: dict[str, Any] = {"answered_at": timezone.now()}
DELETABLE: list[dict[str, Any]] = [
    {},
    LIVING | {"status": "disconnected", "given_up_at": timezone.now()},
    LIVING | {"last_error": "not_linkedin"},
]


@pytest.mark.parametrize("row", DELETABLE)
def test_accounts_that_leave_nothing_behind_go(owner: User, row: dict[str, Any]) -> None:
    account = make_account(owner, **row)

    owner.delete()

    assert not UnipileAccount.objects.exists()
    ending = AccountChange.objects.get(account_id=account.pk)
    assert ending.changes == {"status": [account.status, None]}


@pytest.mark.parametrize("status", UnipileAccount.Status.values)
def test_living_account_protects_itself_and_its_owner(owner: User, status: str) -> None:
    account = make_account(owner, status=status, **LIVING)

    for each in (account, owner, UnipileAccount.objects.all(), User.objects.all()):
        with pytest.raises(ProtectedError), transaction.atomic():
            each.delete()

    assert UnipileAccount.objects.get().user == owner
    assert not AccountChange.objects.exists()
