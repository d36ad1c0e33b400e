from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import LIST, page_of, press, refresh, text
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Sandbox, linkedin_account

PLAN = "<td>premium</td><td><bdi>no</bdi> → <bdi>yes</bdi></td>"


@pytest.mark.parametrize("page", ["change", "history"])
@pytest.mark.parametrize("door", Door)
def test_pages_show_changes_of_every_door(
    support: Client, owner: User, sandbox: Sandbox, door: Door, page: str
) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    user = owner if door is Door.API else None

    refresh_account(UnipileAccount.objects.all(), account.pk, door=door, user=user)

    shown = text(support.get(f"{LIST}{account.pk}/{page}/"))
    who = "<bdi>owner</bdi>, " if door is Door.API else ""
    assert f"<td>{who}{door}</td>{PLAN}" in shown


def test_history_names_the_staff_who_refreshed(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))

    press(support, account)

    assert set(account.changes.values_list("door", "user__username")) == {("admin", "staff-0")}
    assert not LogEntry.objects.exists()


def test_unchanged_refresh_leaves_no_history(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    refresh(support, *accounts)
    AccountChange.objects.all().delete()

    refresh(support, *accounts)
    press(support, accounts[0])

    assert not AccountChange.objects.exists()
    assert "Nothing has changed yet." in text(support.get(page_of(accounts[0])))


def test_bulk_refresh_is_in_each_history(support: Client, owner: User, sandbox: Sandbox) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    sandbox.update(accounts[2].unipile_account_id, status="CREDENTIALS")

    refresh(support, *accounts)

    assert set(AccountChange.objects.values_list("account", flat=True)) == {
        account.pk for account in accounts
    }
    change = accounts[2].changes.get(field="status")
    assert (change.old, change.new) == ("connected", "credentials_required")


def test_history_outlives_what_it_tells_of(support: Client, owner: User) -> None:
    account = make_account(owner)
    AccountChange.objects.create(
        account=account, door="somewhere", field="gone", old="<b>", new="\u202e"
    )

    shown = text(support.get(page_of(account)))

    assert "<td>gone</td><td><bdi>&lt;b&gt;</bdi> → " in shown


def test_page_shows_the_latest_ten_changes(support: Client, owner: User) -> None:
    account = make_account(owner)
    AccountChange.objects.bulk_create(
        AccountChange(account=account, door="api", field="name", old="", new=f"Name {number}")
        for number in range(12)
    )

    shown = text(support.get(page_of(account)))

    assert "Name 11<" in shown
    assert "Name 2<" in shown
    assert "Name 1<" not in shown
    assert "Name 0<" in text(support.get(f"{LIST}{account.pk}/history/"))
