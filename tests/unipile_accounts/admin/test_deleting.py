from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import LIST, elsewhere, page_of, text
from unipile_accounts.models import AccountChange, UnipileAccount

USERS = "/admin/auth/user/"
FIRST = "Disconnect these accounts first."


def alive(owner: User, **row: Any) -> UnipileAccount:
    return make_account(owner, answered_at=timezone.now(), **row)


def delete(client: Client, row: Any, *, selected: bool) -> Any:
    """Confirm the deletion of a row on its own page or in the list."""
    url = USERS if isinstance(row, User) else LIST
    if not selected:
        return client.post(f"{url}{row.pk}/delete/", {"post": "yes"}, follow=True)
    data = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    return client.post(url, data, follow=True)


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("whole_owner", [False, True])
def test_living_account_is_disconnected_first(
    admin: Client, owner: User, *, selected: bool, whole_owner: bool
) -> None:
    account = alive(owner, name="Mara")

    page = text(delete(admin, owner if whole_owner else account, selected=selected))

    assert FIRST in page
    assert f'<a href="{page_of(account)}">' in page
    assert UnipileAccount.objects.get() == account
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("whole_owner", [False, True])
def test_given_up_account_can_be_deleted(
    admin: Client, owner: User, *, selected: bool, whole_owner: bool
) -> None:
    alive(owner, status="disconnected", given_up_at=timezone.now())

    delete(admin, owner if whole_owner else UnipileAccount.objects.get(), selected=selected)

    assert not UnipileAccount.objects.exists()
    assert AccountChange.objects.get().changes == {"status": ["disconnected", None]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("whole_owner", [False, True])
def test_account_that_comes_alive_meanwhile_stays(
    admin: Client,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    *,
    selected: bool,
    whole_owner: bool,
) -> None:
    account = make_account(owner)
    log = LogEntry.objects.log_actions

    def come_alive(*args: Any, **kwargs: Any) -> Any:
        elsewhere(lambda: UnipileAccount.objects.update(answered_at=timezone.now()))
        return log(*args, **kwargs)

    # The page has looked by the time that it logs, and deletes next.
    monkeypatch.setattr(LogEntry.objects, "log_actions", come_alive)

    page = text(delete(admin, owner if whole_owner else account, selected=selected))

    assert FIRST in page
    assert UnipileAccount.objects.get() == account
    assert not LogEntry.objects.exists()


def test_page_offers_only_deletions_that_work(admin: Client, owner: User) -> None:
    account = alive(owner)
    assert f"{LIST}{account.pk}/delete/" not in text(admin.get(page_of(account)))

    UnipileAccount.objects.update(given_up_at=timezone.now())
    assert f"{LIST}{account.pk}/delete/" in text(admin.get(page_of(account)))
