from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import (
    Retry,
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileLoginLost,
    UnipileRateLimited,
    UnipileServerError,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile.accounts import get_account, list_accounts
from unipile_sandbox import Fault, Sandbox


def test_nobody_listening_is_unavailable(settings: Settings) -> None:
    with Sandbox() as sandbox:
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = sandbox.url, "key"

    with pytest.raises(UnipileUnavailable, match=ID):
        get_account(ID)


@pytest.mark.parametrize(
    ("status", "error_type", "error", "retry"),
    [
        (400, None, UnipileAPIError, Retry.NEVER),
        (401, "errors/expired_credentials", UnipileLoginLost, Retry.NEVER),
        (401, "errors/disconnected_account", UnipileLoginLost, Retry.NEVER),
        (403, "errors/expired_credentials", UnipileAccountUnavailable, Retry.NEVER),
        (401, "errors/multiple_sessions", UnipileAccountUnavailable, Retry.NEVER),
        (403, "errors/account_restricted", UnipileAccountUnavailable, Retry.NEVER),
        (401, "errors/missing_credentials", UnipileAuthenticationError, Retry.NEVER),
        (401, "errors/of_next_year", UnipileAPIError, Retry.NEVER),
        (404, "errors/resource_not_found", UnipileAccountNotFound, Retry.NEVER),
        (404, "errors/invalid_resource_identifier", UnipileAPIError, Retry.NEVER),
        (408, None, UnipileServerError, Retry.AT_ONCE),
        (429, None, UnipileRateLimited, Retry.AFTER_A_PAUSE),
        (500, None, UnipileServerError, Retry.AT_ONCE),
        (503, None, UnipileUnavailable, Retry.AT_ONCE),
        (302, None, UnipileUnexpectedAnswer, Retry.NEVER),
        (204, None, UnipileUnexpectedAnswer, Retry.NEVER),
    ],
)
def test_status_and_type_name_the_error(
    account: str,
    sandbox: Sandbox,
    status: int,
    error_type: str | None,
    error: type[UnipileError],
    retry: Retry,
) -> None:
    sandbox.inject(Fault(status=status, error_type=error_type))

    with pytest.raises(UnipileError) as caught:
        get_account(account)

    assert type(caught.value) is error
    assert caught.value.retry is retry
    assert str(caught.value).startswith(f"Unipile answered {status} {error_type or ''}".strip())
    assert ID in str(caught.value)
    if isinstance(caught.value, UnipileAPIError):
        assert caught.value.status_code == status
    if isinstance(caught.value, UnipileAccountUnavailable):
        assert str(error_type) in str(caught.value.advice)


@pytest.mark.parametrize(
    ("status", "error"), [(403, UnipileAuthenticationError), (404, UnipileAPIError)]
)
def test_error_without_a_type_blames_no_account(
    account: str, sandbox: Sandbox, status: int, error: type[UnipileError]
) -> None:
    sandbox.inject(Fault(status=status, body=b"<html>"))

    with pytest.raises(UnipileError) as caught:
        get_account(account)

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "error_type", "error"),
    [
        (401, "errors/expired_credentials", UnipileAuthenticationError),
        (403, "errors/multiple_sessions", UnipileAuthenticationError),
        (404, "errors/resource_not_found", UnipileAPIError),
    ],
)
def test_error_of_the_list_blames_no_account(
    sandbox: Sandbox, status: int, error_type: str | None, error: type[UnipileError]
) -> None:
    sandbox.inject(Fault(status=status, error_type=error_type))

    with pytest.raises(UnipileError) as caught:
        list_accounts()

    assert type(caught.value) is error


@pytest.mark.parametrize("body", [{"type": "errors/of\nours"}, {"type": "about:blank"}, []])
def test_only_a_type_of_unipiles_is_repeated(account: str, sandbox: Sandbox, body: Any) -> None:
    sandbox.inject(Fault(status=500, body=json.dumps(body).encode()))

    with pytest.raises(UnipileAPIError) as caught:
        get_account(account)

    assert caught.value.error_type == ""
    assert str(caught.value) == f"Unipile answered 500 for account {ID}."
