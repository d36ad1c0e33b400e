from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.helpers import error_of, make_account, stored
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

ACCOUNTS = "/api/unipile/accounts"


@pytest.mark.parametrize(
    ("name", "field", "known"),
    [
        ("refresh", "Live", "accountId, live"),
        ("reconnect", "live", "accountId"),
        ("search", "firstname", "accountId, keywords, firstName"),
    ],
)
def test_unknown_field_names_those_there_are(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, name: str, field: str, known: str
) -> None:
    before = stored(account)
    body = {"accountId": str(account.pk), field: True}

    error = error_of(api.post(f"/api/unipile/{name}", body, format="json"), 400)

    assert (error["code"], error["attr"]) == ("unknown_field", field)
    assert known in error["detail"]
    assert (sandbox.request_count, stored(account)) == (0, before)


def test_two_accounts_are_not_disconnected_at_once(
    api: APIClient, account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    other = make_account(owner, sandbox)

    error = error_of(api.delete(f"{ACCOUNTS}?accountId={account.pk}&accountId={other.pk}"), 400)

    assert (error["code"], error["attr"]) == ("invalid", "accountId")
    assert set(UnipileAccount.objects.values_list("status", flat=True)) == {"connected"}
    assert sandbox.asked_to_delete == []


def test_unknown_name_in_the_query_is_refused(api: APIClient, account: UnipileAccount) -> None:
    response = api.delete(f"{ACCOUNTS}?accountId={account.pk}&accountid={uuid4()}")

    assert error_of(response, 400)["code"] == "unknown_field"
    assert stored(account)["status"] == "connected"
