from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import LIST, page_of, text
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Sandbox, linkedin_account


@pytest.mark.parametrize("page", ["change", "history"])
def test_pages_show_a_write_as_one_entry(
    support: Client, owner: User, sandbox: Sandbox, page: str
) -> None:
    payload = linkedin_account(name="Mara", premium_features=["premium"])
    account = make_account(owner, sandbox, payload=payload, name="Mara")

    refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API, user=owner)

    shown = text(support.get(f"{LIST}{account.pk}/{page}/"))
    assert (
        "<td><bdi>owner</bdi>, api</td> <td><bdi>owner</bdi></td> <td><bdi>premium: no → yes,"
        " weekly connection limit: 80 → 100, weekly message limit: 100 → 150, profile" in shown
    )


def test_history_outlives_what_it_tells_of(support: Client, owner: User) -> None:
    account = make_account(owner)
    changes = {"gone_field": ["<b>", "\u202e"]}
    AccountChange.objects.create(account=account, door="x", user_id=0, changes=changes)

    shown = text(support.get(page_of(account)))

    assert "<td>x</td> <td></td> <td><bdi>gone field: &lt;b&gt; → \u202e</bdi></td>" in shown


def test_page_shows_the_latest_ten_changes(support: Client, owner: User) -> None:
    account = make_account(owner)
    AccountChange.objects.bulk_create(
        AccountChange(account=account, door="api", changes={"name": ["", f"Name {number}"]})
        for number in range(12)
    )

    shown = text(support.get(page_of(account)))

    assert "Name 11<" in shown
    assert "Name 2<" in shown
    assert "Name 1<" not in shown
    assert "Name 0<" in text(support.get(f"{LIST}{account.pk}/history/"))
