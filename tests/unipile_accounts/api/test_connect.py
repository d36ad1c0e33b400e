from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, meanwhile, set_rates, stored
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_sandbox import Fault, Sandbox, linkedin_account

CONNECT, RECONNECT = "/api/unipile/connect", "/api/unipile/reconnect"


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://puffle.example"


def reconnect(api: APIClient, account: UnipileAccount) -> Any:
    return api.post(RECONNECT, {"accountId": str(account.pk)}, format="json")


def test_connect_asks_for_a_link_of_an_hour(api: APIClient, sandbox: Sandbox) -> None:
    response = api.post(CONNECT)

    assert response.status_code == 200
    assert list(response.json()) == ["url"]
    [request] = sandbox.requests
    body = request.json
    assert (body["type"], body["providers"]) == ("create", ["LINKEDIN"])
    assert body["notify_url"] == "https://puffle.example/api/webhooks/unipile"
    assert body["success_redirect_url"] == "https://puffle.example/linkedin/connected"
    assert body["failure_redirect_url"] == "https://puffle.example/linkedin/not-connected"
    expires = datetime.fromisoformat(body["expiresOn"])
    assert timedelta(minutes=59) < expires - timezone.now() <= timedelta(hours=1)


def test_calling_twice_gives_two_links(api: APIClient, sandbox: Sandbox) -> None:
    urls = {api.post(CONNECT).json()["url"] for _ in range(2)}

    assert len(urls) == ConnectLink.objects.count() == 2


def asked(sandbox: Sandbox) -> tuple[str, str | None]:
    """Return what kind of link was asked for last, and for which account."""
    body = sandbox.requests[-1].json
    return body["type"], body.get("reconnect_account")


@pytest.mark.parametrize(
    "error_type", [None, "errors/expired_credentials", "errors/multiple_sessions"]
)
def test_reconnect_logs_in_what_unipile_has(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, error_type: str | None
) -> None:
    if error_type:
        fault = Fault(status=401, error_type=error_type)
        sandbox.inject(fault, account_id=account.unipile_account_id, operation="account")

    assert reconnect(api, account).status_code == 200

    assert asked(sandbox) == ("reconnect", account.unipile_account_id)
    assert ConnectLink.objects.get().account == account


def test_reconnect_of_a_gone_account_creates(
    api: APIClient, account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    make_account(owner, sandbox)
    sandbox.remove(account.unipile_account_id)

    assert reconnect(api, account).status_code == 200

    assert asked(sandbox) == ("create", None)
    assert ConnectLink.objects.get().account == account


def test_reconnect_after_giving_up_asks_nothing(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, status="disconnected", given_up_at=timezone.now())

    assert reconnect(api, account).status_code == 200

    assert asked(sandbox) == ("create", None)
    assert sandbox.request_count == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(status=401), 502, "unipile_authentication"),
        (Fault(status=503), 503, "unipile_unavailable"),
        # Another workspace has other accounts.
        (Fault(status=404), 502, "unipile_account_not_listed"),
    ],
)
def test_reconnect_needs_a_word_of_unipiles(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, fault: Fault, status: int, code: str
) -> None:
    sandbox.remove(account.unipile_account_id)
    sandbox.add(linkedin_account("nobodys"))
    sandbox.inject(fault, operation="account")
    before = stored(account)

    assert error_of(reconnect(api, account), status)["code"] == code
    assert stored(account) == before
    assert not ConnectLink.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_row_that_goes_meanwhile_is_not_found(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    meanwhile(sandbox, account.delete)

    assert error_of(reconnect(api, account), 404)["code"] == "not_found"
    assert not ConnectLink.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_row_given_up_meanwhile_gets_a_new_login(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    given_up = {"status": "disconnected", "given_up_at": timezone.now()}
    rows = UnipileAccount.objects.filter(pk=account.pk)
    meanwhile(sandbox, lambda: rows.update(**given_up))

    assert reconnect(api, account).status_code == 200
    assert asked(sandbox) == ("create", None)


@pytest.mark.django_db(transaction=True)
def test_user_who_goes_meanwhile_gets_no_link(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    meanwhile(sandbox, owner.delete)

    assert error_of(api.post(CONNECT), 401)["code"] == "user_not_found"
    assert not ConnectLink.objects.exists()


@pytest.mark.parametrize("path", [CONNECT, RECONNECT])
def test_missing_setting_is_the_operators_business(
    api: APIClient, account: UnipileAccount, settings: Settings, sandbox: Sandbox, path: str
) -> None:
    settings.PUBLIC_URL = ""

    response = api.post(path, {"accountId": str(account.pk)}, format="json")

    assert error_of(response, 503)["code"] == "unipile_not_configured"
    assert not ConnectLink.objects.exists()
    assert sandbox.request_count == 0


def test_link_that_unipile_refuses_is_an_error(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=503))

    assert error_of(api.post(CONNECT), 503)["code"] == "unipile_unavailable"
    assert not ConnectLink.objects.exists()


def test_refused_reconnect_does_not_advise_itself(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    for status, error_type in (
        (404, "errors/resource_not_found"),
        (401, "errors/disconnected_account"),
    ):
        sandbox.inject(Fault(status=status, error_type=error_type), operation="link", times=1)
        assert error_of(reconnect(api, account), 502)["code"] == "unipile_error"
    blocked = Fault(status=403, error_type="errors/account_restricted")
    sandbox.inject(blocked, operation="link", times=1)
    assert "then ask for a link again" in error_of(reconnect(api, account), 409)["detail"]

    assert not ConnectLink.objects.exists()


def test_foreign_account_cannot_be_reconnected(
    account: UnipileAccount, stranger: User, sandbox: Sandbox
) -> None:
    api = api_client(stranger)
    before = stored(account)

    foreign = error_of(reconnect(api, account), 404)
    missing = api.post(RECONNECT, {"accountId": str(uuid4())}, format="json")

    assert foreign == error_of(missing, 404)
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_links_are_limited(api: APIClient, sandbox: Sandbox) -> None:
    set_rates(connect="2/hour")

    statuses = [api.post(CONNECT).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("path", [CONNECT, RECONNECT])
def test_links_ask_for_a_login(db: None, path: str) -> None:
    assert APIClient().post(path).status_code == 401


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/linkedin/connected", "You can close this page"),
        ("/linkedin/not-connected", "Nothing was changed"),
    ],
)
def test_page_of_the_return_says_what_happens_next(client: Client, path: str, says: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert says in response.content.decode()
