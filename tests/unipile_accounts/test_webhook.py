"""The door for what Unipile sends: who may, what is answered, and that it is only a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import error_of, make_account, meanwhile, stored
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.services import create_connect_link
from unipile_sandbox import Fault, Sandbox, linkedin_account

URL = "/api/webhooks/unipile"
SECRET = "a-secret-for-tests-only"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    settings.PUBLIC_URL = "https://puffle.example"


def post(body: object, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # Unipile sends no JSON content type of its own.
    return Client().post(URL, raw, content_type="text/plain", headers=headers)


def event(account_id: str, message: str) -> dict[str, Any]:
    body = {"account_id": account_id, "account_type": "LINKEDIN", "message": message}
    return {"AccountStatus": body}


def send(account: UnipileAccount, message: str) -> Any:
    return post(event(account.unipile_account_id, message), **{"Unipile-Auth": SECRET})


# --- Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "requests"),
    [
        ("OK", 1),
        ("CREDENTIALS", 1),
        ("A_WORD_OF_NEXT_YEAR", 1),
        ("CONNECTING", 0),
        ("ERROR", 0),
        ("STOPPED", 0),
    ],
)
def test_event_is_a_reason_to_look(
    account: UnipileAccount, sandbox: Sandbox, message: str, requests: int
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])

    assert send(account, message).status_code == 200

    assert sandbox.request_count == requests
    assert stored(account)["is_premium"] is bool(requests)
    # What the event claims is not what is written.
    assert stored(account)["status"] == "connected"


def test_second_event_brings_the_news(account: UnipileAccount, sandbox: Sandbox) -> None:
    send(account, "SYNC_SUCCESS")
    sandbox.update(account.unipile_account_id, premium_features=["sales_navigator"])

    assert send(account, "SYNC_SUCCESS").status_code == 200

    assert stored(account)["has_sales_navigator"] is True


def test_event_of_an_unknown_account_is_received(
    db: None, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    assert post(event("nobodys", "OK"), **{"Unipile-Auth": SECRET}).status_code == 200

    assert sandbox.request_count == 0
    assert not UnipileAccount.objects.exists()
    assert "Event OK is about account nobodys" in caplog.text


def test_event_of_a_given_up_row_reads_nothing(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, status="disconnected", given_up_at=timezone.now())
    before = stored(account)

    assert send(account, "OK").status_code == 200
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(close=True), 503),
        # An answer that cannot be used may be a proxy's.
        (Fault(body=b"<html>"), 503),
        (Fault(status=403, body=b"<html>"), 503),
        (Fault(status=401, error_type="errors/multiple_sessions"), 503),
        # This one is stored.
        (Fault(status=401, error_type="errors/expired_credentials"), 200),
    ],
)
def test_event_comes_again_until_it_is_stored(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault, status: int
) -> None:
    sandbox.inject(fault)

    response = send(account, "CREDENTIALS")

    assert response.status_code == status
    assert response.get("Retry-After") == ("30" if status == 503 else None)
    assert (stored(account)["answered_at"] is None) is (status == 503)


def test_event_of_another_provider_needs_nothing(account: UnipileAccount, sandbox: Sandbox) -> None:
    sandbox.update(account.unipile_account_id, type="WHATSAPP")
    before = stored(account)

    assert send(account, "OK").status_code == 200
    assert stored(account) == before


@pytest.mark.django_db(transaction=True)
def test_event_of_a_row_that_goes_is_received(account: UnipileAccount, sandbox: Sandbox) -> None:
    meanwhile(sandbox, account.delete)

    assert send(account, "OK").status_code == 200
    assert not UnipileAccount.objects.exists()


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Unipile-Auth": "guess"}])
def test_event_without_our_secret_is_refused(
    account: UnipileAccount, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    response = post(event(account.unipile_account_id, "OK"), **headers)

    assert error_of(response, 401)["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == "Unipile-Auth"
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("secret", "status"),
    [
        (SECRET, 200),
        ("the-secret-of-tomorrow", 200),
        (f"{SECRET},the-secret-of-tomorrow", 401),
    ],
)
def test_either_of_two_secrets_is_good(
    account: UnipileAccount, settings: Settings, secret: str, status: int
) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = f"{SECRET},the-secret-of-tomorrow"

    body = event(account.unipile_account_id, "CONNECTING")

    assert post(body, **{"Unipile-Auth": secret}).status_code == status


def test_events_wait_until_the_secret_is_set(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = ""

    response = post(event(account.unipile_account_id, "OK"), **{"Unipile-Auth": ""})

    assert error_of(response, 503)["code"] == "unipile_not_configured"
    assert sandbox.request_count == 0


@pytest.mark.parametrize("body", [b"", b"[" * 60_000, b'{"AccountStatus": {}}'])
def test_what_is_no_event_is_refused(db: None, sandbox: Sandbox, body: bytes) -> None:
    response = post(body, **{"Unipile-Auth": SECRET})

    assert error_of(response, 400)["code"] == "parse_error"
    assert error_of(post(body), 401)["code"] == "not_authenticated"
    assert sandbox.request_count == 0


def test_secret_and_names_are_not_logged(
    account: UnipileAccount, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    post(event(account.unipile_account_id, "OK"), **{"Unipile-Auth": "a-guessed-secret"})
    notify("account", "a-forged-name")
    send(account, "OK")

    assert "a-guessed-secret" not in caplog.text
    assert "a-forged-name" not in caplog.text
    assert SECRET not in caplog.text


# --- Notices --------------------------------------------------------------------------------------


def notify(account_id: str, name: str, status: str = "CREATION_SUCCESS") -> Any:
    return post({"status": status, "account_id": account_id, "name": name})


def name_of(sandbox: Sandbox) -> str:
    """Return the name of the link that was asked for last."""
    return str(sandbox.requests[-1].json["name"])


def new_login(sandbox: Sandbox) -> str:
    now = timezone.now().isoformat()
    return sandbox.add(linkedin_account() | {"created_at": now})


@pytest.fixture
def connected(owner: User, sandbox: Sandbox) -> tuple[str, str]:
    """A login at Unipile that no notice has told of, and the name of its link."""
    create_connect_link(owner)
    name = name_of(sandbox)
    return new_login(sandbox), name


def test_notice_without_an_answer_comes_again(sandbox: Sandbox, connected: tuple[str, str]) -> None:
    sandbox.inject(Fault(status=503), operation="account")

    response = notify(*connected)

    assert error_of(response, 503)["code"] == "unipile_unavailable"
    assert response["Retry-After"] == "30"
    assert not UnipileAccount.objects.exists()
    assert ConnectLink.objects.get().claimed_account_id == connected[0]
    sandbox.clear_faults()
    # A secret is not needed, and none is asked for.
    assert notify(*connected).status_code == 200
    assert UnipileAccount.objects.get().plan


def test_forged_notice_is_refused(db: None, sandbox: Sandbox) -> None:
    response = notify(new_login(sandbox), signing.dumps("ffff", salt="other"))

    assert error_of(response, 401)["code"] == "not_authenticated"
    assert not UnipileAccount.objects.exists()
    assert sandbox.request_count == 0
