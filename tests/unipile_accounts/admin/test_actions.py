from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.helpers import Statements, make_account, stored
from tests.unipile_accounts.admin.conftest import (
    ACTION,
    LIST,
    page_of,
    press,
    refresh,
    report,
    reports,
    text,
)
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_sandbox import Sandbox, linkedin_account


def test_action_refreshes_what_is_selected(support: Client, owner: User, sandbox: Sandbox) -> None:
    upgraded = make_account(
        owner, sandbox, payload=linkedin_account(name="Mara Feldkamp", premium_features=["premium"])
    )
    other = make_account(owner, sandbox)

    level, words = report(refresh(support, upgraded))

    upgraded.refresh_from_db()
    assert upgraded.is_premium
    assert upgraded.weekly_connection_limit == 100
    assert stored(other)["refreshed_at"] is None
    assert level == "success"
    assert words.startswith("The account was refreshed, and it has changed. Changed Mara Feldkamp:")
    assert "premium: no → yes" in words
    assert "weekly connection limit: 80 → 100" in words
    assert "weekly message limit: 100 → 150" in words
    assert "status" not in words


def test_action_refreshes_everything_a_filter_matches(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    matching = [make_account(owner, sandbox) for _ in range(120)]
    other = make_account(owner, sandbox, is_premium=True)

    response = refresh(support, matching[0], query="?is_premium__exact=0", select_across="1")

    level, words = report(response)
    assert level == "success"
    assert words.startswith(
        "120 accounts: 120 refreshed (120 changed, 0 unchanged), 0 skipped, 0 failed."
    )
    assert UnipileAccount.objects.filter(refreshed_at=None).get() == other
    assert response.request["QUERY_STRING"] == "is_premium__exact=0"


def test_selection_that_is_gone_is_no_success(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    UnipileAccount.objects.all().delete()

    make_account(owner, sandbox)
    assert report(refresh(support, account)) == ("warning", "No account was refreshed.")


def test_one_request_refreshes_a_thousand_accounts(
    support: Client, owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    payloads = [
        linkedin_account(name=f"Account {n}", premium_features=["premium"] if n < 50 else [])
        for n in range(1000)
    ]
    sandbox.load(payloads)
    sandbox.latency = 0.02
    UnipileAccount.objects.bulk_create(
        UnipileAccount(
            user=owner,
            unipile_account_id=payload["id"],
            name=payload["name"],
            profile_url="https://www.linkedin.com/in/robin-sample-example",
        )
        for payload in payloads
    )
    ContentType.objects.get_for_model(UnipileAccount)  # Django remembers it
    data = {"action": ACTION, "_selected_action": ["x"], "index": "0", "select_across": "1"}

    with statements() as executed:
        response = support.post(LIST, data)

    assert report(support.get(response["Location"]))[1].startswith(
        "1000 accounts: 1000 refreshed (50 changed, 950 unchanged), 0 skipped, 0 failed."
    )
    assert len(sandbox.requests) == 4
    # For a page of 250: the time, its rows, their members, the rows and the history written.
    # SQLite takes fewer parameters, so Django writes a page in more statements.
    assert len(executed) <= (35 if connection.vendor == "postgresql" else 50)


def test_button_refreshes_and_comes_back(support: Client, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    filters = "_changelist_filters=plan%3Dfree"
    page = text(support.get(f"{page_of(account)}?{filters}"))
    assert f'<form action="{LIST}" method="post">' in page
    assert f'name="back_with" value="{filters}"' in page
    assert 'value="refresh_from_unipile">Refresh from Unipile</button>' in page

    response = press(support, account, back_with=filters)

    assert response.redirect_chain == [(f"{page_of(account)}?{filters}", 302)]
    level, words = report(response)
    assert level == "success"
    assert "premium: no → yes" in words
    assert len(sandbox.requests) == 1


def test_button_tells_a_change_twice_pressed(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    press(support, account)

    level, words = report(press(support, account))

    assert level == "success"
    assert words.startswith("The account was refreshed. It changed a moment ago: premium: no → yes")
    AccountChange.objects.update(changed_at=timezone.now() - timedelta(minutes=3))
    assert report(press(support, account)) == (
        "success",
        "The account was refreshed. Nothing has changed.",
    )


def test_button_reports_a_lost_login_and_stores_it(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(statuses=["CREDENTIALS"])
    account = make_account(owner, sandbox, payload=payload, name="Mara", is_premium=True)

    assert report(press(support, account)) == (
        "error",
        (
            "The account was not refreshed. Failed Mara (status: connected → credentials required):"
            " Reconnect the account to LinkedIn, then refresh it again."
        ),
    )
    account.refresh_from_db()
    assert account.status == "credentials_required"
    assert account.is_premium


def test_given_up_account_can_only_be_reconnected(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, name="Mara", status="disconnected", answered_at=timezone.now())
    buttons = 'name="action" value="'
    assert text(admin.get(page_of(account))).count(buttons) == 4

    UnipileAccount.objects.update(given_up_at=timezone.now())

    page = text(admin.get(page_of(account)))
    assert page.count(buttons) == 1
    assert "Make a link to reconnect</button>" in page
    assert report(press(admin, account)) == (
        "warning",
        (
            "The account was skipped. Skipped Mara: The account is disconnected, so it was not"
            " read. Reconnect it to LinkedIn first."
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_button_of_no_account_says_so(support: Client, sandbox: Sandbox) -> None:
    response = press(support, UnipileAccount())

    assert [level for level, _words in reports(response)] == ["warning", "warning"]
    assert "Perhaps it was deleted?" in text(response)


# --- LinkedIn itself ------------------------------------------------------------------------------


def test_action_asks_linkedin_for_an_upgrade_that_the_copy_lacks(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.set_plan(account.unipile_account_id, premium=True, sales_navigator=True)
    unchanged = report(refresh(support, account))[1]

    level, words = report(refresh(support, account, action="ask_linkedin"))

    assert "premium: no → yes" not in unchanged
    assert level == "success"
    assert "premium: no → yes" in words
    assert "Sales Navigator: no → yes" in words
    assert "weekly connection limit: 80 → 100" in words
    assert "Sales Navigator<br>" in text(support.get(LIST))
    assert AccountChange.objects.filter(account=account, door="admin").count() == 2
