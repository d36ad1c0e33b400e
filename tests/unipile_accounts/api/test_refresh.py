from __future__ import annotations

import io
import json
import logging
import traceback
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import UnreadablePostError
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from tests.helpers import Statements, api_client, error_of, make_account, stored
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Fault, Sandbox, linkedin_account, samples

URL = "/api/unipile/refresh"
NIL = "00000000-0000-0000-0000-000000000000"
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")
QUICK = "0.3"


KEY = "Idempotency-Key"


def refresh(api: APIClient, pk: object, **headers: str) -> Any:
    return api.post(URL, {"accountId": str(pk)}, format="json", headers=headers)


def post(api: APIClient, body: Any, content_type: str = "application/json") -> Any:
    return api.generic("POST", URL, body, content_type=content_type)


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """A row in which nothing is as Unipile says, so that every write shows."""
    return make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="New name", public_identifier="new"),
        name="Old name",
        profile_url="https://www.linkedin.com/in/old",
        is_premium=True,
        has_sales_navigator=True,
        weekly_connection_limit=7,
        weekly_message_limit=9,
    )


# --- An answer that got lost ----------------------------------------------------------------------


def test_repeated_request_tells_the_change_once_more(
    api: APIClient, account: UnipileAccount, stranger: User
) -> None:
    def changed(**headers: str) -> bool:
        return bool(refresh(api, account.pk, **headers).json()["changed"]["is_premium"])

    assert changed(**{KEY: "first"}) is True
    assert changed(**{KEY: "first"}) is True
    assert changed(**{KEY: "second"}) is False
    assert changed() is False
    # Another user's key says nothing of mine.
    UnipileAccount.objects.filter(pk=account.pk).update(user=stranger)
    other = refresh(api_client(stranger), account.pk, **{KEY: "first"})
    assert other.json()["changed"]["is_premium"] is False


@pytest.mark.parametrize("key", ["x" * 129, "with space", "é"])
def test_key_that_is_too_long_or_odd_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, key: str
) -> None:
    error = error_of(refresh(api, account.pk, **{KEY: key}), 400)

    assert (error["code"], error["attr"]) == ("invalid", "Idempotency-Key")
    assert sandbox.request_count == 0


# --- An answer that is stored ---------------------------------------------------------------------


def test_refresh_answers_with_the_keys_of_the_public_page_and_nothing_else(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"], premium_id="ACwAAB")

    response = refresh(api, account.pk)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "success": True,
        "is_premium": True,
        "has_sales_navigator": False,
        "weekly_connection_limit": 100,
        "weekly_message_limit": 150,
        "changed": {"is_premium": False, "has_sales_navigator": True},
    }


def test_purchase_is_reported_once(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    refresh(api, account.pk)
    sandbox.update(account.unipile_account_id, premium_features=["sales_navigator"])

    first, second = refresh(api, account.pk).json(), refresh(api, account.pk).json()

    assert first["changed"] == {"is_premium": True, "has_sales_navigator": True}
    assert second == {**first, "changed": {"is_premium": False, "has_sales_navigator": False}}


def test_lost_subscription_is_reported_with_the_limits_of_a_free_account(
    api: APIClient, account: UnipileAccount
) -> None:
    assert refresh(api, account.pk).json() == {
        "success": True,
        "is_premium": False,
        "has_sales_navigator": False,
        "weekly_connection_limit": 80,
        "weekly_message_limit": 100,
        "changed": {"is_premium": True, "has_sales_navigator": True},
    }


def test_change_of_name_only_is_no_change_of_flags(api: APIClient, account: UnipileAccount) -> None:
    refresh(api, account.pk)
    UnipileAccount.objects.filter(pk=account.pk).update(name="Edited")

    answer = refresh(api, account.pk).json()

    assert answer["changed"] == {"is_premium": False, "has_sales_navigator": False}
    assert stored(account)["name"] == "New name"


@pytest.mark.parametrize(
    "url", [URL, f"{URL}/", f"{URL}?format=xml", f"{URL}/?format=", f"{URL}?x"]
)
def test_endpoint_answers_with_and_without_a_slash_and_whatever_the_query(
    api: APIClient, account: UnipileAccount, url: str
) -> None:
    response = api.post(url, {"accountId": str(account.pk)}, format="json")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;;",
    ],
)
def test_content_type_of_json_may_be_written_in_any_way(
    api: APIClient, account: UnipileAccount, content_type: str
) -> None:
    body = json.dumps({"accountId": str(account.pk), "note": "é"}, ensure_ascii=False)

    assert post(api, body.encode(), content_type).status_code == 200


def test_account_id_may_be_in_upper_case(api: APIClient, account: UnipileAccount) -> None:
    assert refresh(api, str(account.pk).upper()).status_code == 200


def test_further_keys_of_the_body_are_ignored(api: APIClient, account: UnipileAccount) -> None:
    body = {"accountId": str(account.pk), "is_premium": True, "user": 1, "status": "connected"}

    response = api.post(URL, body, format="json")

    assert response.status_code == 200
    assert stored(account)["is_premium"] is False


def test_refresh_costs_one_request_and_four_statements(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    statements: Statements,
) -> None:
    refresh(api, account.pk)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])

    with statements() as changed:
        assert refresh(api, account.pk).json()["changed"]["is_premium"] is True
    with statements() as unchanged:
        assert refresh(api, account.pk).json()["changed"]["is_premium"] is False

    # The user, the row, the lock, the write; a change is also written into the history.
    assert len(changed) == 5, changed
    assert len(unchanged) == 4, unchanged
    assert [request.connection for request in sandbox.requests] == [
        sandbox.requests[0].connection
    ] * 3


# --- Every outcome that is an error ---------------------------------------------------------------

JSON_404 = Fault(status=404, body=b'{"type":"errors/invalid_resource_identifier","status":404}')
HTML = b"<!doctype html><title>Not here</title>"
UNUSABLE_BODIES = {
    "nothing": b"",
    "HTML": HTML,
    "cut JSON": b'{"object":"Account",',
    "not UTF-8": b'{"object":"Acc\xff"}',
    "null": b"null",
    "number": b"1",
    "NaN": b"NaN",
    "huge number": b'{"object":"Account","id":' + b"9" * 10_000 + b"}",
    "string": b'"Account"',
    "array": b"[]",
    "object": b"{}",
    "list of accounts": b'{"object":"AccountList","items":[],"cursor":null}',
    "deep nesting": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize(
    ("fault", "requests", "status", "code", "retry_after"),
    [
        # Our key is refused by a 401 or 403 that names no trouble of the account's.
        (Fault(status=401), 1, 502, "unipile_authentication", None),
        (Fault(status=401, body=b""), 1, 502, "unipile_authentication", None),
        (Fault(status=401, body=HTML), 1, 502, "unipile_authentication", None),
        (Fault(status=401, body=b"[" * 99_999), 1, 502, "unipile_authentication", None),
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
        (Fault(status=402), 1, 502, "unipile_error", None),
        (JSON_404, 1, 502, "unipile_error", None),
        (Fault(status=404, body=HTML), 1, 502, "unipile_error", None),
        (Fault(status=404, body=b"{}"), 1, 502, "unipile_error", None),
        (Fault(status=404, body=b'"errors/resource_not_found"'), 1, 502, "unipile_error", None),
        (
            Fault(status=404, body=b'{"type":"errors/resource_not_found\\n"}'),
            1,
            502,
            "unipile_error",
            None,
        ),
        (Fault(status=410), 1, 502, "unipile_error", None),
        (Fault(status=418), 1, 502, "unipile_error", None),
        (Fault(status=422, error_type="errors/expired_credentials"), 1, 502, "unipile_error", None),
        (Fault(status=500), 2, 502, "unipile_error", None),
        (Fault(status=500, error_type="errors/expired_credentials"), 2, 502, "unipile_error", None),
        (Fault(status=502, body=HTML), 2, 502, "unipile_error", None),
        (Fault(status=504), 2, 502, "unipile_error", None),
        (Fault(status=599), 2, 502, "unipile_error", None),
        # Neither an answer nor an error.
        (Fault(status=204, body=b""), 1, 502, "unipile_error", None),
        (Fault(status=301, headers={"Location": "/elsewhere"}), 1, 502, "unipile_error", None),
        (Fault(status=302, headers={"Location": "/elsewhere"}), 1, 502, "unipile_error", None),
        (Fault(status=304), 1, 502, "unipile_error", None),
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
        (Fault(status=503, body=HTML), 2, 503, "unipile_unavailable", "30"),
        (
            Fault(status=503, headers={"Retry-After": "7"}),
            1,
            503,
            "unipile_unavailable",
            "7",
        ),
        (Fault(close=True), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=0), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40, framing="chunked"), 2, 503, "unipile_unavailable", "30"),
        (Fault(cut=40, framing="close"), 1, 502, "unipile_error", None),
        *[
            pytest.param(Fault(body=body), 1, 502, "unipile_error", None, id=name)
            for name, body in UNUSABLE_BODIES.items()
        ],
    ],
)
def test_answer_without_a_verdict_leaves_the_row_alone(
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
        Fault(drip_body=0.02, framing="close"),
        Fault(status=500, drip_body=0.02),
        Fault(status=404, drip_body=0.02),
    ],
)
def test_answer_that_takes_too_long_is_a_timeout_and_not_asked_for_again(
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
        ({"premium_features": [1]}, 502, "unipile_error", None),
        ({"premium_id": 5}, 502, "unipile_error", None),
        ({"name": ["New name"]}, 502, "unipile_error", None),
        ({"public_identifier": {}}, 502, "unipile_error", None),
        ({"sources": "OK"}, 502, "unipile_error", None),
        ({"connection_params": []}, 502, "unipile_error", None),
    ],
)
def test_payload_without_a_verdict_leaves_the_row_alone(
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


def test_answer_about_another_account_leaves_both_rows_alone(
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
def test_account_that_is_gone_or_logged_out_gets_its_status_and_keeps_the_rest(
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
def test_login_that_unipile_has_lost_is_stored_and_keeps_the_rest(
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
    """The answer is stored, so its time is too: an older answer must not overwrite it."""
    assert after["refreshed_at"] is not None
    assert after["updated_at"] > before["updated_at"]
    stamps = {name: after[name] for name in ("refreshed_at", "updated_at")}
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


def test_row_that_was_given_up_is_not_asked_for(
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


def test_logged_out_row_is_asked_for_and_recovers(api: APIClient, account: UnipileAccount) -> None:
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
        ("UNIPILE_TIMEOUT", "soon"),
        ("UNIPILE_CONNECT_TIMEOUT", "-1"),
        ("UNIPILE_POOL_SIZE", "many"),
    ],
)
def test_missing_or_wrong_settings_are_named_to_nobody_but_the_operator(
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


def test_caller_over_the_limit_is_throttled_and_others_are_not(
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


# --- Whose account it is --------------------------------------------------------------------------


def test_nobody_refreshes_the_account_of_another(sandbox: Sandbox, db: None) -> None:
    users = [User.objects.create_user(f"user{number}") for number in range(3)]
    users.append(User.objects.create_superuser("root"))
    accounts = [
        make_account(user, sandbox, payload=linkedin_account(premium_features=["premium"]))
        for user in users
        for _ in range(2)
    ]

    for user in users:
        api = api_client(user)
        for account in accounts:
            before, asked = stored(account), sandbox.request_count
            response = refresh(api, account.pk)
            if account.user_id == user.pk:
                assert response.status_code == 200
                assert stored(account)["is_premium"] is True
            else:
                assert error_of(response, 404)["code"] == "not_found"
                assert stored(account) == before
                assert sandbox.request_count == asked


@pytest.mark.parametrize("status", UnipileAccount.Status.values)
def test_foreign_account_is_answered_byte_for_byte_like_a_missing_one(
    api: APIClient, stranger: User, sandbox: Sandbox, status: str
) -> None:
    foreign = make_account(stranger, sandbox, status=status)
    before = stored(foreign)

    answers: list[Any] = [
        api.post(URL, {"accountId": str(pk)}, format="json", headers={"X-Request-ID": "1"})
        for pk in (foreign.pk, uuid.uuid4())
    ]

    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers
    assert answers[0].status_code == answers[1].status_code == 404
    assert stored(foreign) == before
    assert sandbox.request_count == 0


# --- Bad input ------------------------------------------------------------------------------------

SOME_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.mark.parametrize(
    ("account_id", "code"),
    [
        (None, "null"),
        (5, "invalid"),
        (5.5, "invalid"),
        (True, "invalid"),
        ([], "invalid"),
        ([SOME_ID], "invalid"),
        ({}, "invalid"),
        ({"accountId": SOME_ID}, "invalid"),
        (int(uuid.UUID(SOME_ID)), "invalid"),
        ("", "invalid"),
        (" ", "invalid"),
        ("\0", "invalid"),
        ("null", "invalid"),
        (f"{{{SOME_ID}}}", "invalid"),
        (f"urn:uuid:{SOME_ID}", "invalid"),
        (SOME_ID.replace("-", ""), "invalid"),
        (f"{SOME_ID}\n", "invalid"),
        (f" {SOME_ID}", "invalid"),
        (f"{SOME_ID}\0", "invalid"),
        (f"{SOME_ID}0", "invalid"),
        (SOME_ID[:-1], "invalid"),
        (SOME_ID.replace("3", "\uff13"), "invalid"),
        (SOME_ID.replace("c", "g"), "invalid"),
        ("3c90c3cc0-d44-4b50-8888-8dd25736052a", "invalid"),
        (SOME_ID.replace("-4b", "-0b"), "invalid"),
        (SOME_ID.replace("-4b", "-9b"), "invalid"),
        (SOME_ID.replace("-8888", "-7888"), "invalid"),
        (SOME_ID.replace("-8888", "-c888"), "invalid"),
        (MAX.upper(), "invalid"),
        (MAX.replace("f", "F", 1), "invalid"),
        ("k3Vd9QmTRxS1aLw0ZbYc7A", "unipile_id"),
        ("-Qe7TzH2R0uJm5nXc8VwPg", "unipile_id"),
        ("' OR 1=1 --", "invalid"),
        ("\ud800", "invalid"),
        ("x" * 50_000, "invalid"),
    ],
)
def test_wrong_account_id_is_told_so_and_nothing_happens(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, account_id: Any, code: str
) -> None:
    before = stored(account)

    error = error_of(post(api, json.dumps({"accountId": account_id})), 400)

    assert (error["attr"], error["code"]) == ("accountId", code)
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_unipiles_id_of_a_real_account_is_told_which_id_is_wanted(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    error = error_of(refresh(api, account.unipile_account_id), 400)

    assert error["code"] == "unipile_id"
    assert "Unipile's id" in error["detail"]
    assert "a UUID such as" in error["detail"]
    assert sandbox.request_count == 0


@pytest.mark.parametrize("account_id", [NIL, MAX, SOME_ID, SOME_ID.replace("-4b", "-8b")])
def test_well_formed_id_of_no_account_is_not_found(
    api: APIClient, account: UnipileAccount, account_id: str
) -> None:
    error = error_of(refresh(api, account_id), 404)

    assert error["code"] == "not_found"
    assert account_id not in error["detail"]


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        (b"", "required", "accountId"),
        (b"{}", "required", "accountId"),
        (b'{"account_id": "%b"}' % SOME_ID.encode(), "required", "accountId"),
        (b'{"accountid": "%b"}' % SOME_ID.encode(), "required", "accountId"),
        (b"null", None, None),
        (b"[]", None, None),
        (b'[{"accountId": "%b"}]' % SOME_ID.encode(), None, None),
        (b'"%b"' % SOME_ID.encode(), None, None),
        (b"5", None, None),
        (b"true", None, None),
        (b"NaN", None, None),
        (b" ", "parse_error", None),
        (b"accountId=%b" % SOME_ID.encode(), "parse_error", None),
        (b'{"accountId": "%b"' % SOME_ID.encode(), "parse_error", None),
        (b'{"accountId": "\xff"}', "parse_error", None),
        (b"\xff\xfe\x00", "parse_error", None),
        ('{"accountId": "x"}'.encode("utf-16"), "parse_error", None),
        (b"\xef\xbb\xbf{}", "parse_error", None),
        (b"\0", "parse_error", None),
        (b'{"accountId": ' + b"9" * 10_000 + b"}", "parse_error", None),
        (b"[" * 60_000, "parse_error", None),
        (b'{"a":' * 12_000, "parse_error", None),
        (b'{"accountId":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "parse_error", None),
    ],
)
def test_wrong_body_is_told_so_and_nothing_happens(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    body: bytes,
    code: str | None,
    attr: str | None,
) -> None:
    before = stored(account)

    response = post(api, body)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["detail"]
    if code:
        assert (error["code"], error["attr"]) == (code, attr)
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10_000_000])
def test_large_body_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, size: int
) -> None:
    body = json.dumps({"accountId": str(account.pk)}).encode()

    assert error_of(post(api, body.ljust(size)), 413)["code"] == "request_too_large"
    assert sandbox.request_count == 0
    assert post(api, body.ljust(64 * 1024)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json, text/plain",
        "json",
        "/",
    ],
)
def test_body_that_is_not_declared_as_json_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, content_type: str
) -> None:
    body = json.dumps({"accountId": str(account.pk)})
    before = stored(account)

    error = error_of(post(api, body, content_type), 415)

    assert error["code"] == "unsupported_media_type"
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("url", [URL, f"{URL}/"])
def test_other_methods_are_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, method: str, url: str
) -> None:
    body = json.dumps({"accountId": str(account.pk)})
    before = stored(account)

    response = api.generic(method, url, body, content_type="application/json")

    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == "POST, OPTIONS"
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_account_id_in_the_query_is_not_taken(api: APIClient, account: UnipileAccount) -> None:
    error = error_of(api.post(f"{URL}?accountId={account.pk}"), 400)

    assert error["code"] == "required"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", ""])
def test_what_is_not_json_is_not_served(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, accept: str
) -> None:
    body = {"accountId": str(account.pk)}

    response = api.post(URL, body, format="json", headers={"Accept": accept})

    assert error_of(response, 406)["code"] == "not_acceptable"
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    "url",
    [
        "/api",
        "/api/",
        "/api/unipile",
        "/api/unipile/refresh/x",
        "/api/unipile/refresh//",
        "/api/Unipile/refresh",
        "/api/unipile/refresh%00",
        "/api/unipile/refresh.json",
        "/api/%ff",
        "/api/token/verify",
        "/api/admin/",
        "/api//",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_unknown_address_is_not_found_in_json(
    client_without_login: APIClient, method: str, url: str
) -> None:
    response = client_without_login.generic(method, url, "{", content_type="text/plain")

    assert error_of(response, 404)["code"] == "not_found"


@pytest.fixture
def client_without_login(db: None) -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize("url", [URL, "/api/token", "/api/token/refresh", "/api/nowhere"])
def test_too_many_parameters_are_a_bad_request(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, url: str
) -> None:
    body = {"accountId": str(account.pk)}

    response = api.post(f"{url}?{'a=1&' * 2000}", body, format="json")

    assert error_of(response, 404 if "nowhere" in url else 400)["detail"]
    assert sandbox.request_count == 0


def test_body_that_breaks_off_is_a_bad_request(owner: User) -> None:
    class BrokenOff(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise UnreadablePostError("The client hung up.")

    request = APIRequestFactory().post(URL, {"accountId": SOME_ID}, format="json")
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {AccessToken.for_user(owner)}"
    request._stream = BrokenOff()

    response = resolve(URL).func(request)

    assert error_of(response.render(), 400)["code"] == "parse_error"


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_database_that_does_not_answer_is_unavailable_and_tells_no_details(
    api: APIClient, account: UnipileAccount, error: type[DatabaseError]
) -> None:
    def fail(*_: object) -> None:
        raise error("connection to 10.0.0.7 failed for user puffle")

    with connection.execute_wrapper(fail):
        response = refresh(api, account.pk)

    assert error_of(response, 503)["code"] == "database_unavailable"
    assert response["Retry-After"] == "5"
    assert b"10.0.0.7" not in response.content


# --- Secrets --------------------------------------------------------------------------------------

SECRETS = ("the-key-of-the-operator", "not-a-real-password", "proxyuser", "ACoAAB", "a-member-name")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(headers={"X-Nothing": "wrong"}),
        Fault(status=400),
        Fault(status=401),
        Fault(status=404),
        Fault(status=429),
        Fault(status=500),
        Fault(status=302, headers={"Location": "/?the-key-of-the-operator"}),
        Fault(status=500, body=b'{"type":"errors/x","detail":"not-a-real-password"}'),
        Fault(status=500, body=b'{"type":"not-a-real-password"}'),
        Fault(body=b'{"not-a-real-password'),
        Fault(body=b'{"object":"Account","id":"proxyuser"}'),
        Fault(close=True),
        Fault(cut=300),
        Fault(delay=60),
    ],
)
@pytest.mark.parametrize("number", [1, 6, 8])
def test_secrets_and_payloads_are_in_no_log_and_no_answer(
    owner: User,
    sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    fault: Fault,
) -> None:
    monkeypatch.setattr(sandbox, "api_key", "the-key-of-the-operator")
    settings.UNIPILE_API_KEY, settings.UNIPILE_TIMEOUT = sandbox.api_key, QUICK
    payload = [sample for sample in samples() if sample["type"] == "LINKEDIN"][number - 1]
    payload["name"] = payload["connection_params"]["im"]["username"] = "a-member-name"
    payload["connection_params"]["im"]["proxy"] = {
        "host": "proxy.example.net",
        "username": "proxyuser",
        "password": "not-a-real-password",
    }
    account = make_account(owner, sandbox, payload=payload)
    sandbox.inject(fault)
    token = str(AccessToken.for_user(owner))
    caplog.set_level(logging.DEBUG)

    response = refresh(api_client(owner), account.pk)

    written = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    told = response.content.decode() + str(response.headers)
    assert "unipile_accounts.services" in written
    for secret in (*SECRETS, token, token.split(".")[2], "Traceback"):
        assert secret not in told
        assert secret not in written


@pytest.mark.parametrize("fault", [Fault(status=401), Fault(close=True), Fault(body=b"<x>")])
def test_secrets_are_in_no_exception(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings, fault: Fault
) -> None:
    sandbox.inject(fault)

    with pytest.raises(UnipileError) as caught:
        refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert settings.UNIPILE_API_KEY not in told


def test_secrets_are_in_no_repr(account: UnipileAccount, settings: Settings) -> None:
    result = refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    told = f"{conf!r} {conf.unipile_dsn!r} {result!r}"
    assert settings.UNIPILE_API_KEY not in told
