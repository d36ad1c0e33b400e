from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, stored
from tests.unipile_accounts.api.conftest import URL, refresh
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox, linkedin_account


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


def test_answer_has_the_public_keys_only(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], premium_id="ACwAAB")

    response = refresh(api, account.pk)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "success": True,
        "is_premium": True,
        "has_sales_navigator": False,
        "weekly_connection_limit": 100,
        "weekly_message_limit": 150,
        "changed": {"is_premium": False, "has_sales_navigator": True},
    }


def test_purchase_is_reported_once(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    refresh(api, account.pk)
    sandbox.update(account.unipile_account_id, premium_features=["sales_navigator"])

    first, second = refresh(api, account.pk).json(), refresh(api, account.pk).json()

    assert first["changed"] == {"is_premium": True, "has_sales_navigator": True}
    assert second == {**first, "changed": {"is_premium": False, "has_sales_navigator": False}}


def test_slash_query_and_case_do_not_matter(api: APIClient, account: UnipileAccount) -> None:
    body = {"accountId": str(account.pk).upper()}

    response = api.post(f"{URL}/?format=xml", body, format="json")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_unchanged_refresh_needs_no_transaction(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    refresh(api, account.pk)

    with CaptureQueriesContext(connection) as queries:
        assert refresh(api, account.pk).json()["changed"]["is_premium"] is False

    # The user, the row, the write.
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT", "UPDATE"]
    assert len({request.connection for request in sandbox.requests}) == 1


# --- Whose account it is --------------------------------------------------------------------------


def test_nobody_refreshes_the_account_of_another(sandbox: Sandbox, db: None) -> None:
    users = [User.objects.create_user(f"user{number}") for number in range(3)]
    users.append(User.objects.create_superuser("root"))
    accounts = [
        make_account(user, sandbox, payload=linkedin_account(premium_features=["premium"]))
        for user in users
        for _ in range(2)
    ]

    for user in users:
        api = api_client(user)
        for account in accounts:
            before, asked = stored(account), sandbox.request_count
            response = refresh(api, account.pk)
            if account.user_id == user.pk:
                assert response.status_code == 200
                assert stored(account)["is_premium"] is True
            else:
                assert error_of(response, 404)["code"] == "not_found"
                assert stored(account) == before
                assert sandbox.request_count == asked


def test_foreign_account_is_answered_like_a_missing_one(
    api: APIClient, stranger: User, sandbox: Sandbox
) -> None:
    foreign = make_account(stranger, sandbox, status="disconnected")
    before = stored(foreign)

    answers: list[Any] = [
        api.post(URL, {"accountId": str(pk)}, format="json", headers={"X-Request-ID": "1"})
        for pk in (foreign.pk, uuid.uuid4())
    ]

    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers
    assert answers[0].status_code == answers[1].status_code == 404
    assert stored(foreign) == before
    assert sandbox.request_count == 0
