from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from tests.helpers import Statements, api_client, error_of, free_accounts, make_account, stored
from tests.unipile_accounts.api.conftest import refresh
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_sandbox import Fault, Sandbox, UnknownAccountError, linkedin_account

URL = "/api/unipile/accounts"


def listed(api: APIClient, query: str = "") -> list[dict[str, Any]]:
    response = api.get(f"{URL}{query}")
    assert response.status_code == 200
    return list(response.json()["accounts"])


def disconnect(api: APIClient, account: UnipileAccount) -> Any:
    return api.delete(f"{URL}?accountId={account.pk}")


def test_list_shows_what_a_campaign_needs(api: APIClient, owner: User) -> None:
    read: dict[str, Any] = {
        "refreshed_at": timezone.now(),
        "is_premium": True,
        "weekly_message_limit": 150,
    }
    account = make_account(owner, name="Robin", **read)

    [row] = listed(api)

    times = dict.fromkeys(["created_at", "updated_at", "refreshed_at"], "")
    assert row | times == times | {
        "id": str(account.pk),
        "user_id": str(owner.pk),
        "type": "linkedin",
        "status": "connected",
        "provider_account_id": account.unipile_account_id,
        "display_name": "Robin",
        "profile_url": "",
        "is_premium": True,
        "has_sales_navigator": False,
        "weekly_connection_limit": 80,
        "weekly_message_limit": 150,
        "live_checked_at": None,
        "last_tried_at": None,
        "last_error": "",
    }


def test_list_shows_free_until_it_knows(api: APIClient, owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account(premium_features=["sales_navigator"], statuses=["CREDENTIALS"])
    columns: dict[str, Any] = {
        "is_premium": True,
        "has_sales_navigator": True,
        "weekly_message_limit": 150,
    }
    account = make_account(owner, sandbox, payload=payload, **columns)
    assert error_of(refresh(api, account.pk), 409)["code"] == "reconnect_required"

    [row] = listed(api)

    assert (row["is_premium"], row["has_sales_navigator"]) == (False, False)
    assert (row["weekly_connection_limit"], row["weekly_message_limit"]) == (80, 100)
    assert (row["refreshed_at"], row["status"]) == (None, "credentials_required")


def test_list_leaves_out_disconnected_accounts_and_others(
    api: APIClient, owner: User, stranger: User
) -> None:
    first = make_account(owner)
    lost = make_account(owner, status="credentials_required")
    gone = make_account(owner, status="disconnected")
    given_up = make_account(owner, status="disconnected", given_up_at=timezone.now())
    make_account(stranger)

    assert [row["id"] for row in listed(api)] == [str(first.pk), str(lost.pk)]
    shown = [row["id"] for row in listed(api, "?status=all")]
    assert shown == [str(each.pk) for each in (first, lost, gone, given_up)]
    for query, code in (
        ("status=gone", "invalid_choice"),
        ("status=", "invalid_choice"),
        ("Status=all", "unknown_field"),
    ):
        error = error_of(api.get(f"{URL}?{query}"), 400)
        assert error["code"] == code
        assert ("all" if code == "invalid_choice" else "status") in error["detail"]


def test_list_is_one_query_and_no_question(
    api: APIClient, owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    free_accounts(owner, sandbox, 20)

    with statements() as executed:
        assert len(listed(api)) == 20

    # The user of the token is the other one.
    assert len(executed) == 2
    assert sandbox.request_count == 0


def test_disconnected_account_is_gone_on_both_sides(
    api: APIClient, account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    response = disconnect(api, account)

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert listed(api) == []
    row = stored(account)
    assert row["status"] == "disconnected"
    assert row["given_up_at"] is not None
    with pytest.raises(UnknownAccountError):
        sandbox.get(account.unipile_account_id)
    entry = AccountChange.objects.get(account=account, user=owner, door="api")
    assert entry.changes == {"status": ["connected", "disconnected"]}


def test_disconnecting_twice_changes_nothing_more(api: APIClient, account: UnipileAccount) -> None:
    disconnect(api, account)
    before, changes = stored(account), AccountChange.objects.count()

    assert disconnect(api, account).status_code == 200
    assert stored(account) == before
    assert AccountChange.objects.count() == changes


def test_unipile_that_fails_to_delete_is_no_failure(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=500))

    assert disconnect(api, account).status_code == 200
    assert stored(account)["given_up_at"] is not None


def test_account_of_another_provider_stays_at_unipile(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, type="WHATSAPP")
    refresh(api, account.pk)

    assert disconnect(api, account).status_code == 200
    assert stored(account)["given_up_at"] is not None
    assert sandbox.get(account.unipile_account_id)


def test_foreign_account_is_as_a_missing_one(
    account: UnipileAccount, stranger: User, sandbox: Sandbox
) -> None:
    api = api_client(stranger)
    before = stored(account)

    foreign = error_of(disconnect(api, account), 404)
    missing = error_of(api.delete(f"{URL}?accountId={uuid4()}"), 404)

    assert foreign == missing
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize(("query", "code"), [("", "required"), ("?accountId=7", "invalid")])
def test_id_in_the_query_is_checked(api: APIClient, query: str, code: str) -> None:
    error = error_of(api.delete(f"{URL}{query}"), 400)

    assert (error["code"], error["attr"]) == (code, "accountId")


def test_list_and_disconnect_ask_for_a_login(account: UnipileAccount) -> None:
    before = stored(account)

    assert APIClient().get(URL).status_code == 401
    assert disconnect(APIClient(), account).status_code == 401
    assert stored(account) == before
