"""What a refresh answers where Unipile says nothing of the plan."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import api_client, error_of, make_account, stored
from tests.unipile_accounts.api.conftest import refresh
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account

NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
QUICK = 0.3
JSON_404 = Fault(status=404, body=b'{"type":"errors/invalid_resource_identifier","status":404}')
HTML = b"<!doctype html><title>Not here</title>"
UNUSABLE_BODIES = {
    "nothing": b"",
    "HTML": HTML,
    "cut JSON": b'{"object":"Account",',
    "not UTF-8": b'{"object":"Acc\xff"}',
    "null": b"null",
    "huge number": b'{"object":"Account","id":' + b"9" * 10_000 + b"}",
    "object": b"{}",
    "list of accounts": b'{"object":"AccountList","items":[],"cursor":null}',
    "deep nesting": b"[" * 200_000,
}


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


@pytest.mark.parametrize(
    ("fault", "requests", "status", "code", "retry_after"),
    [
        # Our key is refused by a 401 or 403 that names no trouble of the account's.
        (Fault(status=401), 1, 502, "unipile_authentication", None),
        (Fault(status=401, body=HTML), 1, 502, "unipile_authentication", None),
        (Fault(status=401, body=b'{"type":7}'), 1, 502, "unipile_authentication", None),
        (
            Fault(status=401, body=b'{"type":["errors/expired_credentials"]}'),
            1,
            502,
            "unipile_authentication",
            None,
        ),
        (
            Fault(status=401, error_type="errors/insufficient_privileges"),
            1,
            409,
            "account_unavailable",
            None,
        ),
        (
            Fault(status=401, error_type="errors/of_next_year"),
            1,
            502,
            "unipile_error",
            None,
        ),
        (Fault(status=403, body=b"{}"), 1, 502, "unipile_authentication", None),
        (
            Fault(status=403, error_type="errors/expired_credentials"),
            1,
            409,
            "account_unavailable",
            None,
        ),
        # Errors that say nothing about the account.
        (Fault(status=400), 1, 502, "unipile_error", None),
        (Fault(status=400, error_type="errors/resource_not_found"), 1, 502, "unipile_error", None),
        (JSON_404, 1, 502, "unipile_error", None),
        (Fault(status=404, body=HTML), 1, 502, "unipile_error", None),
        (Fault(status=404, body=b'"errors/resource_not_found"'), 1, 502, "unipile_error", None),
        (
            Fault(status=404, body=b'{"type":"errors/resource_not_found\\n"}'),
            1,
            502,
            "unipile_error",
            None,
        ),
        (Fault(status=410), 1, 502, "unipile_error", None),
        (Fault(status=422, error_type="errors/expired_credentials"), 1, 502, "unipile_error", None),
        (Fault(status=500), 2, 502, "unipile_error", None),
        (Fault(status=500, error_type="errors/expired_credentials"), 2, 502, "unipile_error", None),
        (Fault(status=502, body=HTML), 2, 502, "unipile_error", None),
        # Neither an answer nor an error.
        (Fault(status=204, body=b""), 1, 502, "unipile_error", None),
        (Fault(status=302, headers={"Location": "/elsewhere"}), 1, 502, "unipile_error", None),
        (Fault(status=308, headers={"Location": "//["}), 1, 502, "unipile_error", None),
        # Not now.
        (Fault(status=429), 1, 503, "unipile_rate_limited", "60"),
        (
            Fault(status=429, headers={"Retry-After": "7"}),
            1,
            503,
            "unipile_rate_limited",
            "7",
        ),
        (Fault(status=503), 2, 503, "unipile_unavailable", "30"),
        (
            Fault(status=503, headers={"Retry-After": "7"}),
            1,
            503,
            "unipile_unavailable",
            "7",
        ),
        (Fault(close=True), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40, framing="chunked"), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40, framing="close"), 1, 502, "unipile_error", None),
        *[
            pytest.param(Fault(body=body), 1, 502, "unipile_error", None, id=name)
            for name, body in UNUSABLE_BODIES.items()
        ],
    ],
)
def test_answer_without_verdict_changes_no_row(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    fault: Fault,
    requests: int,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    sandbox.inject(fault)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before
    assert sandbox.request_count == requests


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=60),
        Fault(drip_headers=0.02),
        Fault(drip_body=0.02),
        Fault(drip_body=0.02, framing="chunked"),
        Fault(status=500, drip_body=0.02),
    ],
)
def test_answer_that_takes_too_long_is_a_timeout(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, settings: Settings, fault: Fault
) -> None:
    settings.UNIPILE_TIMEOUT = QUICK
    sandbox.inject(fault)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 504)["code"] == "unipile_timeout"
    assert "Retry-After" not in response
    assert stored(account) == before
    assert sandbox.request_count == 1


@pytest.mark.parametrize(
    ("change", "status", "code", "retry_after"),
    [
        ({"omit": NO_KEYS}, 503, "premium_status_pending", "60"),
        ({"omit": NO_KEYS, "status": "CONNECTING"}, 503, "premium_status_pending", "60"),
        ({"type": "WHATSAPP"}, 409, "not_linkedin", None),
        ({"object": "Webhook"}, 502, "unipile_error", None),
        ({"omit": ["im"]}, 502, "unipile_error", None),
        ({"premium_features": "premium"}, 502, "unipile_error", None),
        ({"name": ["New name"]}, 502, "unipile_error", None),
    ],
)
def test_payload_without_verdict_changes_no_row(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    change: dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    sandbox.update(account.unipile_account_id, **change)
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before
    assert sandbox.request_count == 1


def test_answer_about_another_account_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, owner: User
) -> None:
    other = make_account(owner, sandbox)
    body = json.dumps(sandbox.get(other.unipile_account_id)).encode()
    sandbox.inject(Fault(body=body), account_id=account.unipile_account_id)
    before = stored(account), stored(other)

    assert error_of(refresh(api, account.pk), 502)["code"] == "unipile_error"
    assert (stored(account), stored(other)) == before


@pytest.mark.parametrize(
    ("fault", "new_status"),
    [
        (Fault(status=404), "disconnected"),
        (Fault(status=404, error_type="errors/resource_not_found"), "disconnected"),
        *[
            (Fault(status=401, error_type=f"errors/{error_type}"), "credentials_required")
            for error_type in (
                "captcha_not_supported",
                "checkpoint_error",
                "disconnected_account",
                "expired_credentials",
                "invalid_checkpoint_solution",
                "invalid_credentials",
                "wrong_account",
            )
        ],
    ],
)
def test_lost_account_gets_its_status_only(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, fault: Fault, new_status: str
) -> None:
    make_account(account.user, sandbox)
    sandbox.inject(fault, account_id=account.unipile_account_id)
    before = stored(account)

    response = refresh(api, account.pk)

    assert_reconnect_required(response)
    assert_only_status_is_new(before, stored(account), new_status)
    # The list shows whether the workspace is ours.
    assert sandbox.request_count == (2 if new_status == "disconnected" else 1)


@pytest.mark.parametrize(
    "change", [{"status": "CREDENTIALS"}, {"status": "CREDENTIALS", "omit": NO_KEYS}]
)
def test_lost_login_of_a_source_is_stored(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, change: dict[str, Any]
) -> None:
    sandbox.update(account.unipile_account_id, **change)
    before = stored(account)

    response = refresh(api, account.pk)

    assert_reconnect_required(response)
    assert_only_status_is_new(before, stored(account), "credentials_required")


def assert_reconnect_required(response: Any) -> None:
    error = error_of(response, 409)
    assert error["code"] == "reconnect_required"
    assert "econnect the account" in error["detail"]
    assert "Retry-After" not in response


def assert_only_status_is_new(before: dict[str, Any], after: dict[str, Any], status: str) -> None:
    """The time of the answer is stored. That of the plan stays, as the plan does."""
    assert after["answered_at"] is not None
    assert after["version"] == before["version"] + 1
    stamps = {name: after[name] for name in ("answered_at", "version", "updated_at")}
    assert after == {**before, **stamps, "status": status}


def test_account_that_was_gone_comes_back_by_itself(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    make_account(account.user, sandbox)
    payload = sandbox.get(account.unipile_account_id)
    sandbox.remove(account.unipile_account_id)
    assert error_of(refresh(api, account.pk), 409)["code"] == "reconnect_required"
    assert stored(account)["status"] == "disconnected"

    sandbox.add(payload)

    assert refresh(api, account.pk).status_code == 200
    assert stored(account)["status"] == "connected"


def test_wrong_workspace_disconnects_nobody(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    other = make_account(account.user, sandbox)
    sandbox.remove(account.unipile_account_id)
    sandbox.remove(other.unipile_account_id)
    sandbox.add(linkedin_account("somebody-elses"))
    before = stored(account), stored(other)

    for each in (account, other):
        error = error_of(refresh(api, each.pk), 502)
        assert error["code"] == "unipile_account_not_listed"

    assert (stored(account), stored(other)) == before


def test_row_given_up_is_not_asked_for(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    UnipileAccount.objects.filter(pk=account.pk).update(
        status="disconnected", given_up_at=timezone.now()
    )
    before = stored(account)

    error = error_of(refresh(api, account.pk), 409)

    assert error["code"] == "reconnect_required"
    assert "econnect" in error["detail"]
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_logged_out_row_recovers(api: APIClient, account: UnipileAccount) -> None:
    UnipileAccount.objects.filter(pk=account.pk).update(status="credentials_required")

    assert refresh(api, account.pk).status_code == 200
    assert stored(account)["status"] == "connected"


def test_wrong_key_is_the_operators_business(
    api: APIClient, account: UnipileAccount, settings: Settings
) -> None:
    settings.UNIPILE_API_KEY = "a-key-that-was-revoked"
    before = stored(account)

    error = error_of(refresh(api, account.pk), 502)

    assert error["code"] == "unipile_authentication"
    assert "UNIPILE_API_KEY" in error["detail"]
    assert "a-key-that-was-revoked" not in error["detail"]
    assert stored(account) == before


def test_nobody_at_the_address_is_unavailable(
    api: APIClient, account: UnipileAccount, settings: Settings
) -> None:
    with Sandbox() as stopped:
        settings.UNIPILE_DSN = stopped.url
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "unipile_unavailable"
    assert response["Retry-After"] == "30"
    assert stored(account) == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("UNIPILE_DSN", ""),
        ("UNIPILE_API_KEY", ""),
        ("UNIPILE_DSN", "http://api8.unipile.com:13843"),
    ],
)
def test_wrong_settings_are_the_operators_business(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    setting: str,
    value: str,
) -> None:
    setattr(settings, setting, value)
    before = stored(account)

    response = refresh(api, account.pk)

    error = error_of(response, 503)
    assert error["code"] == "unipile_not_configured"
    assert setting not in error["detail"]
    assert "Retry-After" not in response
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_caller_over_the_limit_is_throttled(
    api: APIClient,
    account: UnipileAccount,
    stranger: User,
    sandbox: Sandbox,
    settings: Settings,
) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {
            **settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"],
            "refresh": "2/day",
        },
    }
    strangers = make_account(stranger, sandbox)
    assert [refresh(api, account.pk).status_code for _ in range(2)] == [200, 200]
    before = stored(account)

    response = refresh(api, account.pk)

    assert error_of(response, 429)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 86_400
    assert stored(account) == before
    assert sandbox.request_count == 2
    assert refresh(api_client(stranger), strangers.pk).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_earlier_answer_of_a_lost_row_fails(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    later: list[Any] = []

    def lose_it_later(_: Request) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lose).result()

    def lose() -> None:
        rows = UnipileAccount.objects.filter(pk=account.pk)
        rows.update(status="disconnected", answered_at=Now(), version=F("version") + 1)
        later.append(stored(account))
        connections.close_all()

    sandbox.on_answer = lose_it_later

    assert_reconnect_required(refresh(api, account.pk))
    assert stored(account) == later[0]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_database_without_answer_is_unavailable(
    api: APIClient, account: UnipileAccount, error: type[DatabaseError]
) -> None:
    def fail(*_: object) -> None:
        raise error("connection to 10.0.0.7 failed for user puffle")

    with connection.execute_wrapper(fail):
        response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "database_unavailable"
    assert response["Retry-After"] == "5"
    assert b"10.0.0.7" not in response.content
