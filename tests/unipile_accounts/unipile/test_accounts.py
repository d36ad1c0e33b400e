from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pytest_django import Settings

from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAPIError,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile.accounts import begin_list, delete_account, get_account
from unipile_sandbox import Fault, Sandbox, linkedin_account


@pytest.mark.parametrize("account_id", ["-Qe7TzH2R0uJm5nXc8VwPg", "../a?b#c%2F ä"])
def test_ids_are_percent_encoded(sandbox: Sandbox, account_id: str) -> None:
    sandbox.add(linkedin_account(account_id))

    assert get_account(account_id)["id"] == account_id
    assert sandbox.requests[0].path.count("/") == 4


def test_list_is_read_until_there_is_no_cursor(sandbox: Sandbox) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(251))

    first = begin_list().wait()
    second = begin_list(cursor=first.cursor).wait()

    assert (len(first.items), len(second.items), second.cursor) == (250, 1, None)
    assert sandbox.requests[0].path == "/api/v1/accounts?limit=250"


def test_cursor_and_port_are_both_in_the_query(sandbox: Sandbox, settings: Settings) -> None:
    settings.UNIPILE_DSN = f"{sandbox.url}?port=13843"
    cursor = base64.b64encode(b"\xfb\xff&limit=1").decode()

    with pytest.raises(UnipileAPIError):
        begin_list(cursor=cursor).wait()

    path = sandbox.requests[0].path
    assert path == "/api/v1/accounts?limit=250&cursor=%2B%2F8mbGltaXQ9MQ%3D%3D&port=13843"


@pytest.mark.parametrize("cursor", [{}, {"cursor": ""}])
def test_absent_null_or_empty_cursor_is_the_end(sandbox: Sandbox, cursor: dict[str, Any]) -> None:
    body = {"object": "AccountList", "items": [1], "brand_new": True, **cursor}
    sandbox.inject(Fault(body=json.dumps(body).encode()))

    assert begin_list().wait() == ([1], None)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "AccountList", "items": None},
        {"object": "Account", "items": []},
        {"object": "AccountList", "items": [], "cursor": "where-we-are"},
    ],
)
def test_list_that_leads_in_a_circle_is_unexpected(sandbox: Sandbox, body: Any) -> None:
    sandbox.inject(Fault(status=200, body=json.dumps(body).encode()))

    with pytest.raises(UnipileUnexpectedAnswer, match="list of accounts"):
        begin_list(cursor="where-we-are").wait()


# --- Delete ---------------------------------------------------------------------------------------


def test_deleted_account_is_gone_at_unipile(account: str, sandbox: Sandbox) -> None:
    delete_account(account)

    assert [request.method for request in sandbox.requests] == ["DELETE"]
    with pytest.raises(UnipileAccountNotFound):
        get_account(account)


def test_delete_that_fails_is_told(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=404, body=b"{}"))

    with pytest.raises(UnipileAPIError):
        delete_account(account)
