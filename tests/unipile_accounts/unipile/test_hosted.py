from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pytest_django import Settings

from unipile_accounts.exceptions import (
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.unipile.hosted import create_link
from unipile_sandbox import Fault, Sandbox

SOON = datetime.now(UTC) + timedelta(hours=1)
URLS: Any = {
    "notify_url": "https://puffle.example/notify",
    "success_url": "https://puffle.example/connected",
    "failure_url": "https://puffle.example/failed",
}


def test_link_to_connect_leads_to_the_hosted_page(sandbox: Sandbox) -> None:
    url = create_link(name="token", expires_at=SOON, **URLS)

    account = sandbox.log_in(url, name="Mara Feldkamp")
    assert sandbox.get(account)["name"] == "Mara Feldkamp"
    [request] = sandbox.requests
    assert (request.method, request.path) == ("POST", "/api/v1/hosted/accounts/link")
    body = request.json
    assert body.pop("expiresOn")
    assert body == {
        "type": "create",
        "providers": ["LINKEDIN"],
        "api_url": sandbox.url,
        "name": "token",
        "notify_url": "https://puffle.example/notify",
        "success_redirect_url": "https://puffle.example/connected",
        "failure_redirect_url": "https://puffle.example/failed",
    }


def test_link_to_reconnect_keeps_the_account(account: str, sandbox: Sandbox) -> None:
    url = create_link(name="token", expires_at=SOON, reconnect_account=account, **URLS)

    assert sandbox.log_in(url) == account
    body = sandbox.requests[0].json
    assert (body["type"], body["reconnect_account"]) == ("reconnect", account)
    assert "providers" not in body


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2030, 1, 2, 3, 4, 5, 678999, tzinfo=UTC), "2030-01-02T03:04:05.678Z"),
        (
            datetime(2030, 1, 2, 3, 4, 5, 1, tzinfo=timezone(timedelta(hours=2))),
            "2030-01-02T01:04:05.000Z",
        ),
    ],
)
def test_expiry_has_three_decimals_and_a_z(sandbox: Sandbox, moment: datetime, text: str) -> None:
    create_link(name="token", expires_at=moment, **URLS)

    assert sandbox.requests[0].json["expiresOn"] == text


@pytest.mark.parametrize(
    ("form", "api_url"),
    [
        ("http://127.0.0.1:{}/", "http://127.0.0.1:{}"),
        ("http://127.0.0.1:{}?port=13843", "http://127.0.0.1:13843"),
    ],
)
def test_api_url_is_that_of_the_workspace(
    sandbox: Sandbox, settings: Settings, form: str, api_url: str
) -> None:
    settings.UNIPILE_DSN = form.format(sandbox.port)

    create_link(name="token", expires_at=SOON, **URLS)

    assert sandbox.requests[0].json["api_url"] == api_url.format(sandbox.port)


@pytest.mark.parametrize("body", [b"[]", b'{"url": 5}', b'{"url": "javascript:alert()"}'])
def test_link_that_is_no_address_is_unexpected(sandbox: Sandbox, body: bytes) -> None:
    sandbox.inject(Fault(body=body))

    with pytest.raises(UnipileUnexpectedAnswer):
        create_link(name="token", expires_at=SOON, **URLS)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=400), UnipileAPIError),
        (Fault(status=401, error_type="errors/multiple_sessions"), UnipileAuthenticationError),
    ],
)
def test_refused_link_is_told(sandbox: Sandbox, fault: Fault, error: Any) -> None:
    sandbox.inject(fault)

    with pytest.raises(error):
        create_link(name="token", expires_at=SOON, **URLS)
