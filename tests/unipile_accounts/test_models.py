from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.helpers import make_account
from unipile_accounts.models import UnipileAccount

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"


def test_new_account_is_connected_free_and_never_refreshed(owner: User) -> None:
    account = UnipileAccount.objects.create(user=owner, unipile_account_id=ID)

    account.refresh_from_db()
    assert isinstance(account.pk, uuid.UUID)
    assert account.pk.version == 4
    assert account.status == "connected"
    assert (account.is_premium, account.has_sales_navigator) == (False, False)
    assert (account.weekly_connection_limit, account.weekly_message_limit) == (80, 100)
    assert account.refreshed_at is None
    assert account.created_at <= account.updated_at


def test_table_has_the_name_that_others_hold_on_to() -> None:
    assert UnipileAccount._meta.db_table == "unipile_accounts"


def test_statuses_are_those_that_others_hold_on_to() -> None:
    assert UnipileAccount.Status.values == ["connected", "credentials_required", "disconnected"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"unipile_account_id": ""},
        {"status": ""},
        {"status": "gone"},
        {"weekly_connection_limit": 0},
        {"weekly_message_limit": 0},
        {"weekly_message_limit": -1},
        {"user": None},
        {"name": None},
    ],
)
def test_database_refuses_a_row_that_makes_no_sense(owner: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        UnipileAccount.objects.create(**{"user": owner, "unipile_account_id": ID, **wrong})

    assert not UnipileAccount.objects.exists()


def test_database_refuses_a_second_row_for_one_unipile_account(owner: User, stranger: User) -> None:
    UnipileAccount.objects.create(user=owner, unipile_account_id=ID)

    with pytest.raises(IntegrityError), transaction.atomic():
        UnipileAccount.objects.create(user=stranger, unipile_account_id=ID)

    assert UnipileAccount.objects.get().user == owner


@pytest.mark.parametrize(
    "unipile_account_id", ["", "a b", "a/b", "..", f"{ID}\n", "ä", "x" * 256, "a?b"]
)
def test_form_refuses_what_is_no_unipile_id(owner: User, unipile_account_id: str) -> None:
    account = UnipileAccount(user=owner, unipile_account_id=unipile_account_id)

    with pytest.raises(ValidationError) as caught:
        account.full_clean()

    assert "unipile_account_id" in caught.value.error_dict


@pytest.mark.parametrize("unipile_account_id", [ID, "-Qe7TzH2R0uJm5nXc8VwPg", "a_-9"])
def test_form_takes_unipile_ids(owner: User, unipile_account_id: str) -> None:
    UnipileAccount(user=owner, unipile_account_id=unipile_account_id, name="").full_clean()


def test_owner_sees_only_the_own_accounts(owner: User, stranger: User) -> None:
    own = [make_account(owner), make_account(owner)]
    make_account(stranger)

    assert set(UnipileAccount.objects.owned_by(owner)) == set(own)
    assert set(owner.unipile_accounts.all()) == set(own)
    assert not UnipileAccount.objects.owned_by(AnonymousUser()).exists()


def test_readable_accounts_are_those_not_given_up(owner: User) -> None:
    accounts = {make_account(owner, status=status) for status in UnipileAccount.Status}
    given_up = make_account(owner, status="disconnected", given_up_at=timezone.now())

    assert set(UnipileAccount.objects.readable()) == accounts
    assert set(UnipileAccount.objects.given_up()) == {given_up}


def test_time_ahead_of_the_database_counts_as_never(owner: User) -> None:
    now = UnipileAccount.objects.database_time()
    ahead = make_account(owner, refreshed_at=now + timedelta(hours=1))
    never = make_account(owner)
    old = make_account(owner, refreshed_at=now - timedelta(days=2))
    make_account(owner, refreshed_at=now)

    assert set(UnipileAccount.objects.never_refreshed()) == {ahead, never}
    yesterday = now - timedelta(days=1)
    assert set(UnipileAccount.objects.not_refreshed_since(yesterday)) == {ahead, never, old}


def test_account_is_called_by_its_name_or_else_its_unipile_id(owner: User) -> None:
    account = make_account(owner, name="Mara")
    assert str(account) == "Mara"

    account.name = ""
    assert str(account) == account.unipile_account_id


def test_accounts_go_with_their_owner(owner: User, stranger: User) -> None:
    make_account(owner)
    kept = make_account(stranger)

    owner.delete()

    assert list(UnipileAccount.objects.all()) == [kept]


@pytest.mark.usefixtures("db")
def test_models_are_as_the_migrations_say(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True)

    assert "No changes detected" in capsys.readouterr().out


def test_reading_an_owners_account_uses_an_index(owner: User, db: None) -> None:
    make_account(owner)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = UnipileAccount.objects.owned_by(owner).filter(pk=uuid.uuid4()).explain()

    assert "index" in plan.lower()
