from __future__ import annotations

import re
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import (
    LIST,
    page_of,
    press,
    refresh,
    report,
    reports,
    staff,
    text,
)
from unipile_accounts.admin import life
from unipile_accounts.exceptions import AccountLocked
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_sandbox import Fault, Sandbox, UnknownAccountError

USERS = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://puffle.example"


def confirm(client: Client, *accounts: UnipileAccount) -> Any:
    return refresh(client, *accounts, action="disconnect", confirmed="yes")


# --- Disconnect -----------------------------------------------------------------------------------


def test_disconnect_asks_before_it_does_anything(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    before = stored(account)

    page = text(press(admin, account, "disconnect"))

    assert "Disconnect this account?" in page
    assert account.user.get_username() in page
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_confirmed_disconnect_gives_up_here_and_deletes_there(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox, name=name) for name in ("Ada", "Ben")]

    assert sorted(reports(confirm(admin, *accounts))) == [
        ("success", "Disconnected: Ada."),
        ("success", "Disconnected: Ben."),
    ]
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
    query = "?status=connected"
    page = refresh(admin, shown[0], query=query, action="disconnect", select_across="1")
    # Four more match the filter by now, and one of the two no longer does.
    others = [make_account(owner, sandbox, answered_at=timezone.now()) for _ in range(4)]
    UnipileAccount.objects.filter(pk=shown[0].pk).update(status="credentials_required")

    form = _hidden(page)
    response = admin.post(f"{LIST}{query}", form, follow=True)

    assert set(form["_selected_action"]) == {str(row.pk) for row in shown}
    assert [level for level, _words in reports(response)] == ["success", "success"]
    assert {row.pk for row in UnipileAccount.objects.given_up()} == {row.pk for row in shown}
    assert all(sandbox.get(row.unipile_account_id) for row in others)


def _hidden(page: Any) -> dict[str, list[str]]:
    """Return what the form of a page sends."""
    form: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([a-z_]+)" value="([^"]+)"', text(page)):
        form.setdefault(name, []).append(value)
    return form


def test_disconnect_comes_back_to_the_named_account(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, name="Mara Feldkamp")
    url = f"{page_of(account)}?_changelist_filters=plan%3Dfree"

    page = press(admin, account, "disconnect", back=url)
    response = admin.post(LIST, _hidden(page), follow=True)

    assert response.redirect_chain == [(url, 302)]
    assert report(response) == ("success", "Disconnected: Mara Feldkamp.")


def test_delete_that_unipile_refuses_is_named(
    admin: Client, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=500))

    level, words = report(confirm(admin, account))

    assert level == "warning"
    assert words.startswith(f"Disconnected, but not yet deleted at Unipile: {account}.")
    assert stored(account)["status"] == "disconnected"
    assert sandbox.get(account.unipile_account_id)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UnipileAccount.DoesNotExist(), "It is not here any more."),
        (AccountLocked("locked"), "The account is locked in our database. Nothing was changed."),
    ],
)
def test_account_that_is_not_disconnected_is_named(
    admin: Client,
    account: UnipileAccount,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    why: str,
) -> None:
    monkeypatch.setattr(life, "disconnect_account", Mock(side_effect=error))

    level, words = report(confirm(admin, account))

    assert level == "error"
    assert words.startswith(f"Not done for {account}: {why}")


def test_what_is_not_reached_in_time_is_named(
    admin: Client, account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "SECONDS", -1.0)
    before = stored(account)

    level, words = report(confirm(admin, account))

    assert (level, words) == ("error", f"Not done for {account}: The time limit was reached.")
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
    User.objects.filter(pk=owner.pk).update(username="<b>")
    response = press(admin, owner, "make_connect_links", url=USERS)

    assert response.request["PATH_INFO"] == f"{USERS}{owner.pk}/change/"
    link = ConnectLink.objects.get()
    assert (link.user, link.account) == (owner, None)
    assert f'value="{sandbox.url}' in response.content.decode()
    assert "A link for <bdi>&lt;b&gt;</bdi>." in text(response)


def test_missing_address_of_ours_is_a_message(
    admin: Client, account: UnipileAccount, settings: Settings
) -> None:
    settings.PUBLIC_URL = ""

    _, words = report(press(admin, account, "make_reconnect_links"))

    assert words.startswith(f"Not done for {account}: This service is not set up for Unipile.")
    assert not ConnectLink.objects.exists()


def test_link_that_unipile_refuses_is_named(admin: Client, owner: User, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=429, headers={"Retry-After": "600"}))

    assert report(press(admin, owner, "make_connect_links", url=USERS)) == (
        "error",
        (
            "Not done for owner: Unipile is rate limiting us. Nothing was changed. Try again in 10"
            " minutes."
        ),
    )
    assert not ConnectLink.objects.exists()


@pytest.mark.parametrize("action", ["disconnect", "make_reconnect_links"])
def test_nothing_is_done_for_too_many(
    admin: Client, owner: User, sandbox: Sandbox, action: str
) -> None:
    accounts = [make_account(owner) for _ in range(21)]

    assert report(refresh(admin, *accounts, action=action)) == (
        "warning",
        "Select at most 20. Nothing was done.",
    )
    assert sandbox.request_count == 0


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "permission"), [("disconnect", "refresh"), ("make_reconnect_links", "change")]
)
def test_action_without_permission_does_nothing(
    account: UnipileAccount, sandbox: Sandbox, action: str, permission: str
) -> None:
    before = stored(account)
    client = staff("view_unipileaccount", f"{permission}_unipileaccount")

    assert f'value="{action}"' not in text(client.get(page_of(account)))
    press(client, account, action, confirmed="yes")
    assert not ConnectLink.objects.exists()
    assert stored(account) == before
    assert sandbox.request_count == 0
