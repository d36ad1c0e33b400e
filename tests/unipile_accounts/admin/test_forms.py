from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.test import Client

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import (
    ADD,
    add,
    page_of,
    press,
    report,
    reports,
    staff,
    text,
)
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
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503), "Unipile cannot be reached right now."),
        (Fault(status=401), "Unipile refuses this service's API key."),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_added_account_is_kept_when_not_refreshed(
    admin: Client, owner: User, sandbox: Sandbox, fault: Fault, reason: str
) -> None:
    sandbox.inject(fault)

    response = add(admin, owner, "k3Vd9QmTRxS1aLw0ZbYc7A")

    assert UnipileAccount.objects.get().refreshed_at is None
    (added, _), (refreshed, words) = reports(response)
    assert added == "success"
    assert refreshed == "error"
    assert reason in words
    assert "It is stored all the same." in words


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False])
def test_mistyped_unipile_id_is_called_so(
    admin: Client, owner: User, sandbox: Sandbox, *, is_first: bool
) -> None:
    sandbox.add(linkedin_account())
    if not is_first:
        make_account(owner, sandbox)

    response = add(admin, owner, "k3Vd9QmTRxS1aLw0ZbYc7A")

    level, words = reports(response)[1]
    assert level == "error"
    assert "Unipile has no account with this id. Check it." in words
    assert "Reconnect" not in words


@pytest.mark.django_db(transaction=True)
def test_adding_alone_does_not_refresh(owner: User, sandbox: Sandbox) -> None:
    client = staff("add_unipileaccount", "view_unipileaccount")
    account_id = sandbox.add(linkedin_account())

    response = add(client, owner, account_id)

    assert reports(response)[1] == (
        "warning",
        "The account was not refreshed, because you may not refresh accounts.",
    )
    assert sandbox.requests == []


def test_adding_asks_for_owner_and_unipile_id_only(admin: Client, owner: User) -> None:
    for number in range(30):
        User.objects.create(username=f"customer-{number}")

    response = admin.get(ADD)

    assert list(response.context["adminform"].form.fields) == ["user", "unipile_account_id"]
    assert "customer-7" not in text(response)
    assert "Refresh from Unipile" not in text(response)


@pytest.mark.parametrize(
    ("unipile_account_id", "message"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("k3Vd9 mTRxS1aLw0ZbYc7A", "22 letters, digits, hyphens and underscores"),
        ("../../users/me?x=12345", "22 letters, digits, hyphens and underscores"),
        ("hello", "22 letters, digits, hyphens and underscores"),
        ("mara-feldkamp-example", "22 letters, digits, hyphens and underscores"),
        ("3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34", "22 letters, digits, hyphens and underscores"),
        ("k3Vd9QmTRxS1aLw0ZbYc7", "22 letters, digits, hyphens and underscores"),
        ("acc_k3Vd9QmTRxS1aLw0Zb", "22 letters, digits, hyphens and underscores"),
        ("k3Vd\0", "Null characters are not allowed."),
        ("ä" * 22, "letters, digits, hyphens and underscores"),
        ("a" * 256, "at most 255 characters"),
        (TAKEN, "There is already an account with this Unipile id."),
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


def test_what_unipile_decides_cannot_be_edited(admin: Client, owner: User) -> None:
    account = make_account(owner, name="Mara")
    before = stored(account)
    edited: dict[str, Any] = {
        "name": "Eve",
        "profile_url": "https://www.linkedin.com/in/eve",
        "is_premium": "on",
        "has_sales_navigator": "on",
        "weekly_connection_limit": "9999",
        "weekly_message_limit": "9999",
        "refreshed_at_0": "2020-01-01",
        "refreshed_at_1": "00:00:00",
        "unipile_account_id": "other",
        "id": str(UUID(int=1)),
    }
    form = admin.get(page_of(account)).context["adminform"].form
    assert set(form.fields) == {"user"}

    edited |= {"user": owner.pk, "status": "disconnected", **initials(account)}
    response = admin.post(page_of(account), edited)

    assert response.status_code == 302
    assert stored(account) == before


def test_form_keeps_a_refresh_that_came_meanwhile(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner)
    shown = initials(account)
    UnipileAccount.objects.update(status="credentials_required", is_premium=True)

    admin.post(page_of(account), {"user": stranger.pk, **shown})

    account.refresh_from_db()
    assert account.user == stranger
    assert account.status == "credentials_required"
    assert account.is_premium


def test_form_keeps_an_owner_that_came_meanwhile(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner)
    shown = initials(account)
    UnipileAccount.objects.update(user=stranger)

    admin.post(page_of(account), {"user": owner.pk, **shown})

    assert stored(account)["user_id"] == stranger.pk


def test_gone_account_heals_without_an_edit(admin: Client, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, status="disconnected")

    level, words = report(press(admin, account))

    assert level == "success"
    assert "status: disconnected → connected" in words


def initials(account: UnipileAccount) -> dict[str, Any]:
    """Return what the form remembers of what it showed."""
    return {"initial-user": account.user_id}
