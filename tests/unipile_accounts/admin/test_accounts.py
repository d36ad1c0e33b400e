from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from tests.helpers import Statements, make_account
from tests.unipile_accounts.admin.conftest import (
    ACTION,
    ADD,
    LIST,
    button_of,
    page_of,
    press,
    refresh,
    report,
    rows,
    staff,
    text,
)
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox, linkedin_account


def test_list_shows_the_latest_customers_first(admin: Client, owner: User, stranger: User) -> None:
    make_account(owner)
    make_account(stranger)
    make_account(owner)

    listed = [account.user for account in rows(admin.get(LIST))]

    assert listed == [stranger, owner, owner]


def test_list_costs_the_same_for_many_accounts(
    owner: User, support: Client, statements: Statements
) -> None:
    make_account(owner)
    with statements() as for_one:
        support.get(LIST)
    for number in range(120):
        user = User.objects.create(username=f"customer-{number}")
        make_account(user, refreshed_at=timezone.now())
    with statements() as for_many:
        assert len(rows(support.get(LIST))) == 100

    # Session, user, permissions of user and groups; how many accounts, the accounts; last event.
    assert len(for_one) == len(for_many) == 7


def test_support_group_only_looks_and_refreshes(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)

    actions = dict(support.get(LIST).context["action_form"].fields["action"].choices)
    assert set(actions) == {"", ACTION, "ask_linkedin", "make_reconnect_links"}
    assert actions[ACTION] == "Refresh premium status from Unipile"
    assert report(refresh(support, account))[0] == "success"
    assert report(press(support, account))[0] == "success"
    assert support.get(ADD).status_code == 403
    assert support.post(page_of(account), {"status": "disconnected"}).status_code == 403
    assert support.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "permissions",
    [
        ["view_unipileaccount"],
        ["view_unipileaccount", "change_unipileaccount", "delete_unipileaccount"],
    ],
)
def test_staff_without_the_permission_cannot_refresh(
    owner: User, sandbox: Sandbox, permissions: list[str]
) -> None:
    client = staff(*permissions)
    account = make_account(owner, sandbox)

    assert "Refresh" not in text(client.get(LIST)).replace("last refreshed", "")
    assert "Refresh from Unipile" not in text(client.get(page_of(account)))
    assert refresh(client, account).status_code == 403
    assert refresh(client, account, action=["", ACTION], index="1").status_code == 403
    assert press(client, account).status_code == 403
    assert client.post(button_of(UnipileAccount())).status_code == 403
    assert sandbox.requests == []


def test_refusal_is_one_line_of_the_log(owner: User, caplog: pytest.LogCaptureFixture) -> None:
    account = make_account(owner)

    assert press(staff("view_unipileaccount"), account).status_code == 403

    assert [record.getMessage() for record in caplog.records] == [
        f"POST {button_of(account)} 403",
    ]


@pytest.mark.parametrize("permissions", [[], ["refresh_unipileaccount"]])
def test_staff_who_may_not_look_see_nothing(
    owner: User, sandbox: Sandbox, permissions: list[str]
) -> None:
    client = staff(*permissions)
    account = make_account(owner, sandbox)

    assert "Unipile accounts" not in text(client.get("/admin/"))
    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/"):
        assert client.get(url).status_code == 403
    assert refresh(client, account).status_code == 403
    assert press(client, account).status_code == 403
    assert sandbox.requests == []


def test_texts_can_be_translated(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = linkedin_account(premium_features=["premium"])
    account = make_account(owner, sandbox, payload=payload)
    make_account(owner, given_up_at=timezone.now(), refreshed_at=timezone.now())
    translations = translation._trans  # type: ignore[attr-defined]
    monkeypatch.setattr(translations, "gettext", "«{}»".format)
    monkeypatch.setattr(
        translations,
        "ngettext",
        lambda singular, plural, number: f"«{singular if number == 1 else plural}»",
    )

    listed = text(support.get(LIST))
    shown = text(support.get(page_of(account)))
    pressed = report(press(support, account))[1]
    run = report(refresh(support, _selected_action=["x"], select_across="1"))[1]

    for words in (
        "Refresh premium status from Unipile",
        "(no name yet)",
        "Not for a week",
        "never",
    ):
        assert f"«{words}»" in listed
    assert "«80 connections»<br>«100 messages»" in listed
    assert "«unknown»" in listed
    assert "«given up»" in listed
    assert "«Refresh from Unipile»" in shown
    assert "«Who it is»" in shown
    assert pressed.startswith("«The account was refreshed, and it has changed.» «Changed»")
    assert "«name»: «none» → Robin Sample" in pressed
    assert "«premium»: «no» → «yes»" in pressed
    assert run.startswith("«2 accounts: 1 refreshed (0 changed), 1 skipped, 0 failed.» «Skipped»")
    assert "«Latest changes»" in shown
