from __future__ import annotations

from datetime import timedelta
from uuid import UUID

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
    button_of,
    logged_in,
    page_of,
    press,
    refresh,
    report,
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
    assert words.startswith("120 accounts: 120 refreshed (120 changed), 0 skipped, 0 failed.")
    assert UnipileAccount.objects.filter(refreshed_at=None).get() == other
    assert response.request["QUERY_STRING"] == "is_premium__exact=0"


@pytest.mark.parametrize("words", ["feed", "owner", "feed owner"])
def test_action_refreshes_everything_a_search_finds(
    support: Client, owner: User, sandbox: Sandbox, words: str
) -> None:
    account = make_account(owner, sandbox, name="feed", id=UUID(int=0xFEED << 112))
    make_account(User.objects.create_user("lena"), sandbox)

    refresh(support, account, query=f"?q={words}", select_across="1")

    assert UnipileAccount.objects.exclude(refreshed_at=None).get() == account


def test_selection_that_is_gone_is_no_success(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    UnipileAccount.objects.all().delete()

    make_account(owner, sandbox)
    assert report(refresh(support, account)) == ("warning", "No account was refreshed.")


def test_selection_without_ids_is_no_error_page(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    make_account(owner, sandbox)

    response = refresh(support, _selected_action=["nonsense"])

    assert response.status_code == 200
    assert sandbox.requests == []


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
        "1000 accounts: 1000 refreshed (50 changed), 0 skipped, 0 failed."
    )
    assert len(sandbox.requests) == 4
    # For a page of 250: the time, its rows, one write. Once: what changed.
    # SQLite takes fewer parameters, so Django writes a page in more statements.
    assert len(executed) <= (26 if connection.vendor == "postgresql" else 50)


def test_button_refreshes_and_comes_back(support: Client, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    page = support.get(page_of(account))
    assert f'<form action="{button_of(account)}" method="post" data-once>' in text(page)
    assert "Refresh from Unipile</button>" in text(page)

    response = press(support, account)

    assert response.redirect_chain == [(page_of(account), 302)]
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


def test_button_keeps_the_filters_of_the_list(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    filters = "?_changelist_filters=is_premium__exact%3D0"

    assert f'action="{button_of(account)}{filters}"' in text(
        support.get(page_of(account) + filters)
    )
    response = support.post(button_of(account) + filters)

    assert response["Location"] == page_of(account) + filters


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


def test_button_on_a_given_up_account_asks_nobody(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(
        owner, sandbox, name="Mara", status="disconnected", given_up_at=timezone.now()
    )

    level, words = report(press(support, account))

    assert level == "warning"
    assert words == (
        "The account was skipped. Skipped Mara: The account is disconnected, so it was not read."
        " Reconnect it to LinkedIn first."
    )
    assert sandbox.requests == []


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_button_takes_nothing_but_a_post(
    support: Client, owner: User, sandbox: Sandbox, method: str
) -> None:
    account = make_account(owner, sandbox)

    response = getattr(support, method)(button_of(account))

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert sandbox.requests == []


def test_button_needs_the_csrf_token(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))

    assert client.post(button_of(account)).status_code == 403
    assert sandbox.requests == []

    page = client.get(page_of(account))
    token = page.context["csrf_token"]
    assert client.post(button_of(account), {"csrfmiddlewaretoken": token}).status_code == 302
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "pk", ["00000000-0000-0000-0000-000000000000", "nonsense", "_3C", "a/b", "%00"]
)
def test_button_of_no_account_says_so(support: Client, pk: str) -> None:
    response = support.post(f"{LIST}{pk}/refresh/", follow=True)

    assert report(response) == (
        "warning",
        "There is no such account any more. Nothing was refreshed.",
    )
    assert response.redirect_chain == [(LIST, 302)]


def test_button_sends_a_stranger_to_the_login(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)

    for client in (Client(), logged_in(owner)):
        response = client.post(button_of(account))
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
    assert sandbox.requests == []


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
    assert AccountChange.objects.filter(account=account, door="admin").count() == 6


def test_button_asks_linkedin_and_an_ordinary_refresh_keeps_the_answer(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.set_plan(account.unipile_account_id, premium=True)

    response = support.post(f"{LIST}{account.pk}/ask-linkedin/", follow=True)
    again = report(press(support, account))[1]

    assert response.redirect_chain == [(page_of(account), 302)]
    assert "premium: no → yes" in report(response)[1]
    assert "LinkedIn, <time" in text(response)
    assert "It changed a moment ago" in again
    assert stored(account)["is_premium"] is True


def test_button_tells_that_linkedin_does_not_show_the_plan(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.set_plan(account.unipile_account_id, premium=False, sales_navigator="DISCONNECTED")
    before = stored(account)

    response = support.post(f"{LIST}{account.pk}/ask-linkedin/", follow=True)

    level, words = report(response)
    assert level == "error"
    assert "LinkedIn refuses this account at the moment" in words
    assert stored(account) == before
