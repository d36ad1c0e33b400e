"""Requests that are no good. Nothing happens, and the answer says what is wrong."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http import UnreadablePostError
from django.urls import resolve
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from tests.helpers import error_of, make_account, stored
from tests.unipile_accounts.api.conftest import URL, post
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

ACCOUNTS = "/api/unipile/accounts"
SOME_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


@pytest.mark.parametrize(
    ("account_id", "code"),
    [
        (None, "null"),
        (5, "invalid"),
        (f"{{{SOME_ID}}}", "invalid"),
        (f"urn:uuid:{SOME_ID}", "invalid"),
        (SOME_ID.replace("-", ""), "invalid"),
        (f"{SOME_ID}\n", "invalid"),
        ("k3Vd9QmTRxS1aLw0ZbYc7A", "unipile_id"),
    ],
)
def test_wrong_account_id_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, account_id: Any, code: str
) -> None:
    before = stored(account)

    error = error_of(post(api, json.dumps({"accountId": account_id})), 400)

    assert (error["attr"], error["code"]) == ("accountId", code)
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'[{"accountId": "%b"}]' % SOME_ID.encode(),
        b"accountId=%b" % SOME_ID.encode(),
        b"[" * 60_000,
        b'{"accountId": "%b", "\\ud800": 1}' % SOME_ID.encode(),
    ],
)
def test_wrong_body_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, body: bytes
) -> None:
    before = stored(account)

    response = post(api, body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"]
    assert stored(account) == before
    assert sandbox.request_count == 0


def test_large_body_is_refused(api: APIClient, account: UnipileAccount, sandbox: Sandbox) -> None:
    body = json.dumps({"accountId": str(account.pk)}).encode()

    assert error_of(post(api, body.ljust(64 * 1024 + 1)), 413)["code"] == "request_too_large"
    assert sandbox.request_count == 0
    assert post(api, body.ljust(64 * 1024)).status_code == 200


def test_body_not_declared_as_json_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    body = json.dumps({"accountId": str(account.pk)})

    error = error_of(post(api, body, "application/x-www-form-urlencoded"), 415)

    assert error["code"] == "unsupported_media_type"
    assert sandbox.request_count == 0


def test_what_is_not_json_is_not_served(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    body = {"accountId": str(account.pk)}

    response = api.post(URL, body, format="json", headers={"Accept": "text/html"})

    assert error_of(response, 406)["code"] == "not_acceptable"
    assert sandbox.request_count == 0


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("url", ["/api", "/api/unipile/refresh//", "/api/unipile/refresh%00"])
def test_unknown_address_is_not_found_in_json(url: str) -> None:
    response = APIClient().post(url, "{", content_type="text/plain")

    assert error_of(response, 404)["code"] == "not_found"


@pytest.mark.usefixtures("db")
def test_too_many_parameters_are_a_bad_request(api: APIClient) -> None:
    response = api.post(f"{URL}?{'a=1&' * 2000}", {"accountId": SOME_ID}, format="json")

    assert error_of(response, 400)["code"] == "parse_error"


def test_body_that_breaks_off_is_a_bad_request(owner: User) -> None:
    class BrokenOff(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise UnreadablePostError("The client hung up.")

    request = APIRequestFactory().post(URL, {"accountId": SOME_ID}, format="json")
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {AccessToken.for_user(owner)}"
    request._stream = BrokenOff()

    response = resolve(URL).func(request)

    assert error_of(response.render(), 400)["code"] == "parse_error"


# --- Names that nobody reads ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "field", "known"),
    [
        ("refresh", "Live", "accountId, live"),
        ("search", "firstname", "accountId, keywords, firstName"),
    ],
)
def test_unknown_field_names_those_there_are(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, name: str, field: str, known: str
) -> None:
    before = stored(account)
    body = {"accountId": str(account.pk), field: True}

    error = error_of(api.post(f"/api/unipile/{name}", body, format="json"), 400)

    assert (error["code"], error["attr"]) == ("unknown_field", field)
    assert known in error["detail"]
    assert (sandbox.request_count, stored(account)) == (0, before)


def test_two_accounts_are_not_disconnected_at_once(
    api: APIClient, account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    other = make_account(owner, sandbox)

    error = error_of(api.delete(f"{ACCOUNTS}?accountId={account.pk}&accountId={other.pk}"), 400)

    assert (error["code"], error["attr"]) == ("invalid", "accountId")
    assert set(UnipileAccount.objects.values_list("status", flat=True)) == {"connected"}
    assert sandbox.asked_to_delete == []


def test_unknown_name_in_the_query_is_refused(api: APIClient, account: UnipileAccount) -> None:
    response = api.delete(f"{ACCOUNTS}?accountId={account.pk}&accountid={uuid4()}")

    assert error_of(response, 400)["code"] == "unknown_field"
    assert stored(account)["status"] == "connected"
