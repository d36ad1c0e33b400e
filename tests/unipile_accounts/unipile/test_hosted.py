from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pytest_django import Settings

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile.hosted import create_link
from unipile_sandbox import Fault, Sandbox

# In another zone and with more decimals than Unipile takes.
EXPIRY = datetime(2126, 1, 2, 3, 4, 5, 678999, tzinfo=timezone(timedelta(hours=2)))


def link(reconnect_account: str = "") -> str:
    return create_link(
        name="token",
        notify_url="https://puffle.example/notify",
        success_url="https://puffle.example/connected",
        failure_url="https://puffle.example/failed",
        expires_at=EXPIRY,
        reconnect_account=reconnect_account,
    )


def test_link_to_connect_leads_to_the_hosted_page(sandbox: Sandbox) -> None:
    account = sandbox.log_in(link(), name="Mara Feldkamp")

    assert sandbox.get(account)["name"] == "Mara Feldkamp"
    [request] = sandbox.requests
    assert (request.method, request.path) == ("POST", "/api/v1/hosted/accounts/link")
    assert request.json == {
        "type": "create",
        "providers": ["LINKEDIN"],
        "api_url": sandbox.url,
        "expiresOn": "2126-01-02T01:04:05.678Z",
        "name": "token",
        "notify_url": "https://puffle.example/notify",
        "success_redirect_url": "https://puffle.example/connected",
        "failure_redirect_url": "https://puffle.example/failed",
    }


def test_link_to_reconnect_keeps_the_account(account: str, sandbox: Sandbox) -> None:
    assert sandbox.log_in(link(reconnect_account=account)) == account

    body = sandbox.requests[0].json
    assert (body["type"], body["reconnect_account"]) == ("reconnect", account)
    assert "providers" not in body


def test_api_url_is_that_of_the_workspace(sandbox: Sandbox, settings: Settings) -> None:
    settings.UNIPILE_DSN = f"{sandbox.url}?port=13843"

    link()

    assert sandbox.requests[0].json["api_url"] == "http://127.0.0.1:13843"


@pytest.mark.parametrize("body", [b"[]", b'{"url": "javascript:alert()"}'])
def test_link_that_is_no_address_is_unexpected(sandbox: Sandbox, body: bytes) -> None:
    sandbox.inject(Fault(body=body))

    with pytest.raises(UnipileUnexpectedAnswer):
        link()
