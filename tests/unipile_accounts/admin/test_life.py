from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import LIST, page_of, staff
from tests.unipile_accounts.admin.conftest import text as html
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount, WebhookContact
from unipile_sandbox import Fault, Sandbox, UnknownAccountError


def text(response: Any) -> str:
    return strip_tags(html(response))


USERS = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://puffle.example"


def act(client: Client, action: str, *rows: Any, url: str = LIST, **data: str) -> Any:
    pks = [str(row.pk) for row in rows]
    return client.post(url, {"action": action, "_selected_action": pks, **data}, follow=True)


def confirm(client: Client, *accounts: UnipileAccount) -> Any:
    return act(client, "disconnect", *accounts, confirmed="yes")


# --- Disconnect -----------------------------------------------------------------------------------


def test_disconnect_asks_before_it_does_anything(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    before = stored(account)

    page = text(act(admin, "disconnect", account))

    assert "Disconnect this account?" in page
    assert account.user.get_username() in page
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_confirmed_disconnect_gives_up_here_and_deletes_there(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(2)]

    page = text(confirm(admin, *accounts))

    assert "2 accounts disconnected." in page
    for account in accounts:
        assert stored(account)["status"] == "disconnected"
        assert stored(account)["given_up_at"] is not None
        with pytest.raises(UnknownAccountError):
            sandbox.get(account.unipile_account_id)
    [change, _] = AccountChange.objects.filter(field="status")
    assert (change.door, change.user, change.new) == (
        "admin",
        User.objects.get(username="admin"),
        "disconnected",
    )


def test_delete_that_unipile_refuses_is_named(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=500))

    page = text(confirm(admin, account))

    assert "1 account disconnected." in page
    assert f"Unipile did not delete {account}." in page
    assert stored(account)["status"] == "disconnected"
    assert sandbox.get(account.unipile_account_id)


@pytest.mark.django_db(transaction=True)
def test_locked_account_is_named_and_the_others_go_on(
    admin: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "unipile_accounts.admin.life.disconnect_account", _locked(first := make_account(owner))
    )
    second = make_account(owner, sandbox)

    page = text(confirm(admin, first, second))

    assert f"Locked in our database, so nothing was done: {first}." in page
    assert stored(first)["status"] == "connected"
    assert stored(second)["status"] == "disconnected"


def _locked(account: UnipileAccount) -> Any:
    from unipile_accounts.exceptions import AccountLocked  # noqa: PLC0415
    from unipile_accounts.services import disconnect_account  # noqa: PLC0415

    def disconnect(accounts: Any, pk: Any, **kwargs: Any) -> bool:
        if pk == account.pk:
            raise AccountLocked("locked")
        return disconnect_account(accounts, pk, **kwargs)

    return disconnect


def test_too_many_are_not_disconnected(
    admin: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unipile_accounts.admin.life.MOST_DISCONNECTED", 1)
    accounts = [make_account(owner) for _ in range(2)]

    page = text(confirm(admin, *accounts))

    assert "Select at most 1. Nothing was done." in page
    assert not UnipileAccount.objects.filter(status="disconnected").exists()


def test_what_is_not_reached_in_time_is_named(
    admin: Client, account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unipile_accounts.admin.life.SECONDS", -1.0)
    before = stored(account)

    page = text(confirm(admin, account))

    assert f"Not reached in time, so nothing was done: {account}." in page
    assert stored(account) == before


# --- Links ----------------------------------------------------------------------------------------


def test_reconnect_link_is_the_owners_to_use(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    response = act(admin, "make_reconnect_links", account)

    assert response.request["PATH_INFO"] == page_of(account)
    link = ConnectLink.objects.get()
    assert (link.user, link.account) == (account.user, account)
    assert sandbox.requests[-1].json["type"] == "reconnect"
    assert f'value="{sandbox.url}' in response.content.decode()


def test_connect_link_is_made_for_the_customer(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    response = act(admin, "make_connect_links", owner, url=USERS)

    assert response.request["PATH_INFO"] == f"{USERS}{owner.pk}/change/"
    link = ConnectLink.objects.get()
    assert (link.user, link.account) == (owner, None)
    assert f'value="{sandbox.url}' in response.content.decode()


def test_missing_address_of_ours_is_named(
    admin: Client, account: UnipileAccount, settings: Settings
) -> None:
    settings.PUBLIC_URL = ""

    page = text(act(admin, "make_reconnect_links", account))

    assert f"No link for {account}: PUBLIC_URL is not set. Write the address" in page
    assert not ConnectLink.objects.exists()


def test_link_that_unipile_refuses_is_named(admin: Client, owner: User, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=503))

    page = text(act(admin, "make_connect_links", owner, url=USERS))

    assert f"No link for {owner}: Unipile cannot be reached right now." in page
    assert not ConnectLink.objects.exists()


def test_too_many_links_are_not_made(admin: Client, owner: User) -> None:
    accounts = [make_account(owner) for _ in range(11)]

    assert "Select at most 10." in text(act(admin, "make_reconnect_links", *accounts))
    assert not ConnectLink.objects.exists()


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "permissions"),
    [
        ("disconnect", ["view_unipileaccount", "refresh_unipileaccount"]),
        ("make_reconnect_links", ["view_unipileaccount", "change_unipileaccount"]),
    ],
)
def test_action_without_permission_is_forbidden(
    account: UnipileAccount, sandbox: Sandbox, action: str, permissions: list[str]
) -> None:
    before = stored(account)

    response = act(staff(*permissions), action, account, confirmed="yes")

    assert response.status_code == 403
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_buttons_are_for_those_who_may(account: UnipileAccount, support: Client) -> None:
    page = support.get(page_of(account)).content.decode()

    assert 'value="make_reconnect_links"' in page
    assert 'value="disconnect"' not in page


# --- What the pages tell --------------------------------------------------------------------------


def test_disconnect_button_needs_only_the_change_permission(account: UnipileAccount) -> None:
    client = staff("view_unipileaccount", "change_unipileaccount")

    page = html(client.get(page_of(account)))

    assert "Disconnect" in page
    assert "Make a link to reconnect" not in page


def test_list_tells_when_an_event_reached_us_last(admin: Client) -> None:
    assert "No event of Unipile's has reached us yet." in text(admin.get(LIST))

    WebhookContact.objects.create(reached_at=timezone.now())

    assert "Unipile's last event reached us 0\xa0minutes ago" in text(admin.get(LIST))


@pytest.mark.usefixtures("sandbox")
def test_first_page_counts_by_status_and_plan(admin: Client, owner: User) -> None:
    now = timezone.now()
    make_account(owner, refreshed_at=now, is_premium=True)
    make_account(owner, refreshed_at=now)
    make_account(owner)
    make_account(owner, status="disconnected", given_up_at=now)

    page = admin.get("/admin/")

    rows = {
        (str(group["title"]), str(row["label"])): row["count"]
        for group in page.context["groups"]
        for row in group["rows"]
    }
    assert rows["status", "connected"] == 2
    assert rows["status", "unknown"] == 1
    assert rows["status", "given up"] == 1
    assert rows["plan", "premium"] == 1
    assert rows["plan", "unknown"] == 2


def test_counts_are_not_for_everybody(db: None) -> None:
    assert "by status" not in text(staff("view_user").get("/admin/"))
