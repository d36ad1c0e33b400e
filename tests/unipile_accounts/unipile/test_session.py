from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import UnipileNotConfigured
from unipile_accounts.unipile.accounts import get_account
from unipile_sandbox import Sandbox


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("http://127.0.0.1:{}", ""),
        ("http://127.0.0.1:{}/", ""),
        ("HTTP://127.0.0.1:{}", ""),
        ("http://localhost:{}", ""),
        ("http://127.0.0.1:{}?port=13843", "?port=13843"),
        ("http://127.0.0.1:{}/?port=13843", "?port=13843"),
    ],
)
def test_dsn_over_http_leads_to_the_account(
    account: str, sandbox: Sandbox, settings: Settings, form: str, query: str
) -> None:
    settings.UNIPILE_DSN = form.format(sandbox.port)

    assert get_account(account) == sandbox.get(account)
    assert sandbox.requests[0].path == f"/api/v1/accounts/{ID}{query}"


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("localhost:{}", ""),
        ("localhost:{}/", ""),
        ("https://localhost:{}", ""),
        ("https://127.0.0.1:{}/", ""),
        ("https://localhost:{}?port=13843", "?port=13843"),
        ("localhost:{}/?port=13843", "?port=13843"),
    ],
)
def test_dsn_without_http_leads_to_the_account_over_tls(
    tls_sandbox: Sandbox, settings: Settings, form: str, query: str
) -> None:
    settings.UNIPILE_DSN = form.format(tls_sandbox.port)

    assert get_account(ID) == tls_sandbox.get(ID)
    assert get_account(ID) == tls_sandbox.get(ID)
    assert {request.path for request in tls_sandbox.requests} == {f"/api/v1/accounts/{ID}{query}"}
    assert len({request.connection for request in tls_sandbox.requests}) == 1


def test_certificate_that_is_not_trusted_gets_no_request(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(UnipileNotConfigured, match=r"localhost is not trusted .*self-signed"):
        get_account(ID)

    assert tls_sandbox.request_count == 0
