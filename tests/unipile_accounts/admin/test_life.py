from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import LIST, page_of, press, report, staff
from tests.unipile_accounts.admin.conftest import text as html
from unipile_accounts.admin import life
from unipile_accounts.exceptions import AccountLocked
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
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

    first, second = sorted(accounts, key=lambda row: row.pk)
    assert f"Disconnected: {first}, {second}." in page
    for account in accounts:
        assert stored(account)["status"] == "disconnected"
        assert stored(account)["given_up_at"] is not None
        with pytest.raises(UnknownAccountError):
            sandbox.get(account.unipile_account_id)
    [change, _] = AccountChange.objects.all()
    assert (change.door, change.user) == ("admin", User.objects.get(username="admin"))
    assert change.changes == {"status": ["connected", "disconnected"]}


def test_what_was_shown_is_what_is_disconnected(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    shown = [make_account(owner, sandbox, answered_at=timezone.now()) for _ in range(2)]
    data = {"url": f"{LIST}?status=connected", "select_across": "1"}
    page = act(admin, "disconnect", shown[0], **data)
    # Four more match the filter by now, and one of the two no longer does.
    others = [make_account(owner, sandbox, answered_at=timezone.now()) for _ in range(4)]
    UnipileAccount.objects.filter(pk=shown[0].pk).update(status="credentials_required")

    form = _hidden(page)
    response = admin.post(data["url"], form, follow=True)

    assert set(form["_selected_action"]) == {str(row.pk) for row in shown}
    assert text(response).count("Disconnected:") == 1
    assert {row.pk for row in UnipileAccount.objects.given_up()} == {row.pk for row in shown}
    assert all(sandbox.get(row.unipile_account_id) for row in others)


def _hidden(page: Any) -> dict[str, list[str]]:
    """Return what the form of a page sends."""
    form: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([a-z_]+)" value="([^"]+)"', html(page)):
        form.setdefault(name, []).append(value)
    return form


def test_disconnect_comes_back_to_the_named_account(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, name="Mara Feldkamp")

    page = press(admin, account, "disconnect", back_with="_changelist_filters=plan%3Dfree")
    response = admin.post(LIST, _hidden(page), follow=True)

    assert response.redirect_chain == [(f"{page_of(account)}?_changelist_filters=plan%3Dfree", 302)]
    assert report(response) == ("success", "Disconnected: Mara Feldkamp.")


def test_delete_that_unipile_refuses_is_named(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=500))

    page = text(confirm(admin, account))

    assert f"Disconnected, but not yet deleted at Unipile: {account}. The nightly run" in page
    assert stored(account)["status"] == "disconnected"
    assert sandbox.get(account.unipile_account_id)


def test_account_that_is_gone_is_named(
    admin: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (make_account(owner, sandbox, name=name) for name in ("Ada", "Ben"))
    refuse = {first.pk: UnipileAccount.DoesNotExist(), second.pk: AccountLocked("locked")}

    def disconnect(accounts: Any, pk: Any, **kwargs: Any) -> bool:
        raise refuse[pk]

    monkeypatch.setattr(life, "disconnect_account", disconnect)

    page = text(confirm(admin, first, second))

    assert "Not here any more: Ada." in page
    assert "Locked in our database, so nothing was done: Ben." in page


def test_too_many_are_not_disconnected(
    admin: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "MOST_DISCONNECTED", 1)
    accounts = [make_account(owner) for _ in range(2)]

    page = text(confirm(admin, *accounts))

    assert "Select at most 1. Nothing was done." in page
    assert not UnipileAccount.objects.filter(status="disconnected").exists()


def test_what_is_not_reached_in_time_is_named(
    admin: Client, account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "SECONDS", -1.0)
    before = stored(account)

    page = text(confirm(admin, account))

    assert f"Not reached in time, so nothing was done: {account}." in page
    assert stored(account) == before


# --- Links ----------------------------------------------------------------------------------------


def test_reconnect_link_is_the_owners_to_use(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    response = press(admin, account, "make_reconnect_links")

    assert response.request["PATH_INFO"] == page_of(account)
    link = ConnectLink.objects.get()
    assert (link.user, link.account) == (account.user, account)
    assert sandbox.requests[-1].json["type"] == "reconnect"
    assert f'value="{sandbox.url}' in response.content.decode()


def test_connect_link_is_made_for_the_customer(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    response = press(admin, owner, "make_connect_links", url=USERS)

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
    sandbox.inject(Fault(status=429, headers={"Retry-After": "600"}))

    page = text(press(admin, owner, "make_connect_links", url=USERS))

    assert f"No link for {owner}: Unipile is rate limiting us." in page
    assert "Try again in 10 minutes." in page
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
def test_action_without_permission_does_nothing(
    account: UnipileAccount, sandbox: Sandbox, action: str, permissions: list[str]
) -> None:
    before = stored(account)

    act(staff(*permissions), action, account, confirmed="yes")

    assert not ConnectLink.objects.exists()
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize("verb", ["change", "refresh"])
def test_buttons_are_for_those_who_may(account: UnipileAccount, verb: str) -> None:
    client = staff("view_unipileaccount", f"{verb}_unipileaccount")

    page = html(client.get(page_of(account)))

    assert ('value="disconnect"' in page) is (verb == "change")
    assert ('value="make_reconnect_links"' in page) is (verb == "refresh")
