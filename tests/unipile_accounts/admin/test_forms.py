from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import (
    ADD,
    add,
    elsewhere,
    page_of,
    report,
    reports,
    staff,
    text,
)
from unipile_accounts.admin import accounts
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox, linkedin_account

TAKEN = "-Qe7TzH2R0uJm5nXc8VwPg"


@pytest.mark.django_db(transaction=True)
def test_added_account_is_refreshed_at_once(admin: Client, owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account("-k3Vd9QmTRxS1aLw0ZbYc_", premium_features=["sales_navigator"])
    sandbox.add(payload)

    response = add(admin, owner, "  -k3Vd9QmTRxS1aLw0ZbYc_\n")

    account = UnipileAccount.objects.get()
    assert account.user == owner
    assert account.unipile_account_id == payload["id"]
    assert account.has_sales_navigator
    (added, _), (refreshed, words) = reports(response)
    assert added == refreshed == "success"
    assert "Sales Navigator: no → yes" in words
    assert [entry.action_flag for entry in LogEntry.objects.all()] == [ADDITION]
    assert set(account.changes.values_list("door", "user__username")) == {("admin", "admin")}


@pytest.mark.django_db(transaction=True)
def test_added_account_is_kept_when_not_refreshed(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=503))

    response = add(admin, owner, "k3Vd9QmTRxS1aLw0ZbYc7A")

    assert UnipileAccount.objects.get().refreshed_at is None
    (added, _), (refreshed, words), (level, hint) = reports(response)
    assert [added, refreshed, level] == ["success", "error", "warning"]
    assert "Unipile cannot be reached right now." in words
    assert "The account is stored all the same. Check its Unipile id." in hint


@pytest.mark.django_db(transaction=True)
def test_adding_alone_does_not_refresh(owner: User, sandbox: Sandbox) -> None:
    client = staff("add_unipileaccount", "view_unipileaccount")
    account_id = sandbox.add(linkedin_account())

    level, _ = report(add(client, owner, account_id))

    assert level == "success"
    assert sandbox.requests == []


def test_staff_edit_owner_and_a_new_id_only(admin: Client, account: UnipileAccount) -> None:
    def fields(url: str) -> list[str]:
        return list(admin.get(url).context["adminform"].form.fields)

    assert fields(ADD) == ["user", "unipile_account_id"]
    assert fields(page_of(account)) == ["user"]


@pytest.mark.parametrize(
    ("unipile_account_id", "message"),
    [
        ("", "This field is required."),
        ("../../users/me?x=12345", "22 letters, digits, hyphens and underscores"),
        ("acc_k3Vd9QmTRxS1aLw0Zb", "22 letters, digits, hyphens and underscores"),
        (f" {TAKEN} ", "There is already an account with this Unipile id."),
    ],
)
def test_adding_checks_the_unipile_id(
    admin: Client, owner: User, sandbox: Sandbox, unipile_account_id: str, message: str
) -> None:
    UnipileAccount.objects.create(user=owner, unipile_account_id=TAKEN)

    response = add(admin, owner, unipile_account_id)

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["unipile_account_id"]
    assert message in str(errors)
    assert UnipileAccount.objects.count() == 1
    assert sandbox.requests == []


def test_form_keeps_a_refresh_that_came_meanwhile(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner)
    UnipileAccount.objects.update(status="credentials_required", is_premium=True)

    move(admin, account, stranger)

    account.refresh_from_db()
    assert account.user == stranger
    assert account.status == "credentials_required"
    assert account.is_premium


def test_form_keeps_an_owner_that_came_meanwhile(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner)
    UnipileAccount.objects.update(user=stranger)

    move(admin, account, owner)

    assert stored(account)["user_id"] == stranger.pk


@pytest.mark.parametrize("given_up_at", [None, timezone.now()])
def test_owner_with_the_member_is_refused(
    admin: Client, owner: User, stranger: User, given_up_at: datetime | None
) -> None:
    account = make_account(owner, linkedin_id="ACoAAB1")
    make_account(stranger, linkedin_id="ACoAAB1", name="Mara", given_up_at=given_up_at)

    page = unescape(text(move(admin, account, stranger)))

    assert "of the same LinkedIn member already: Mara. Delete that one first." in page
    assert stored(account)["user_id"] == owner.pk


# --- Somebody is quicker --------------------------------------------------------------------------


Quicker = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def quicker(monkeypatch: pytest.MonkeyPatch) -> Quicker:
    """Do something between the check of a form and the write, once."""

    def be_quicker(name: str, act: Callable[[], object]) -> None:
        write, acts = getattr(accounts, name), [act]

        def late(*args: Any, **kwargs: Any) -> None:
            if acts:
                elsewhere(acts.pop())
            write(*args, **kwargs)

        monkeypatch.setattr(accounts, name, late)

    return be_quicker


@pytest.mark.django_db(transaction=True)
def test_id_added_twice_at_once_is_a_message(
    admin: Client, owner: User, stranger: User, quicker: Quicker
) -> None:
    quicker(
        "add_account",
        lambda: UnipileAccount.objects.create(user=stranger, unipile_account_id=TAKEN),
    )

    response = add(admin, owner, TAKEN)

    assert "There is already an account with this Unipile id." in text(response)
    assert UnipileAccount.objects.get().user == stranger
    assert not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_member_that_came_meanwhile_is_a_message(
    admin: Client, owner: User, stranger: User, quicker: Quicker
) -> None:
    account = make_account(owner, linkedin_id="ACoAAB1")
    quicker("move_account", lambda: make_account(stranger, linkedin_id="ACoAAB1", name="Mara"))

    page = text(move(admin, account, stranger))

    assert "has an account of the same LinkedIn member already: Mara." in page
    assert stored(account)["user_id"] == owner.pk


@pytest.mark.django_db(transaction=True)
def test_account_that_goes_meanwhile_is_a_message(
    admin: Client, owner: User, stranger: User, quicker: Quicker
) -> None:
    account = make_account(owner)
    quicker("move_account", account.delete)

    page = text(move(admin, account, stranger))

    assert "Perhaps it was deleted?" in page


@pytest.mark.django_db(transaction=True)
def test_owner_who_goes_meanwhile_is_a_message(
    admin: Client, owner: User, quicker: Quicker
) -> None:
    quicker("add_account", User.objects.filter(pk=owner.pk).delete)

    page = text(add(admin, owner, TAKEN))

    assert "That choice is not one of the available choices." in page
    assert "was added successfully" not in page
    assert not UnipileAccount.objects.exists()


def move(client: Client, account: UnipileAccount, owner: User) -> Any:
    """Choose an owner in a form that has shown the account as it is here."""
    data = {"user": owner.pk, "initial-user": account.user_id}
    return client.post(page_of(account), data, follow=True)
