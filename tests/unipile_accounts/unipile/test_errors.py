from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileError,
    UnipileLoginLost,
    UnipileServerError,
    UnipileUnavailable,
)
from unipile_accounts.unipile.accounts import get_account
from unipile_sandbox import Fault, Sandbox


def test_nobody_listening_is_unavailable(settings: Settings) -> None:
    with Sandbox() as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, "key"

    with pytest.raises(UnipileUnavailable, match=ID):
        get_account(ID)


@pytest.mark.parametrize(
    ("status", "error_type", "error"),
    [
        (401, "errors/disconnected_account", UnipileLoginLost),
        # Only a 401 speaks of the login.
        (403, "errors/disconnected_account", UnipileAccountUnavailable),
        (403, "errors/account_restricted", UnipileAccountUnavailable),
        (403, "errors/of_next_year", UnipileAPIError),
        (404, "errors/resource_not_found", UnipileAccountNotFound),
        (408, "errors/request_timeout", UnipileServerError),
    ],
)
def test_status_and_type_name_the_error(
    account: str, sandbox: Sandbox, status: int, error_type: str, error: type[UnipileError]
) -> None:
    sandbox.inject(Fault(status=status, error_type=error_type))

    with pytest.raises(UnipileError) as caught:
        get_account(account)

    assert type(caught.value) is error
    assert str(caught.value) == f"Unipile answered {status} {error_type} for account {ID}."
    if error is UnipileAccountUnavailable:
        assert error_type in caught.value.advice


@pytest.mark.parametrize("body", [{"type": "errors/of\nours"}, {"type": "about:blank"}, []])
def test_only_a_type_of_unipiles_is_repeated(account: str, sandbox: Sandbox, body: Any) -> None:
    sandbox.inject(Fault(status=500, body=json.dumps(body).encode()))

    with pytest.raises(UnipileAPIError) as caught:
        get_account(account)

    assert caught.value.error_type == ""
    assert str(caught.value) == f"Unipile answered 500 for account {ID}."
