"""Requests that are no good. Nothing happens, and the answer says what is wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import UnreadablePostError
from django.urls import resolve
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from tests.helpers import error_of, stored
from tests.unipile_accounts.api.conftest import URL, post, refresh
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

NIL = "00000000-0000-0000-0000-000000000000"
SOME_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture
def account(outdated: UnipileAccount) -> UnipileAccount:
    return outdated


@pytest.mark.parametrize(
    ("account_id", "code"),
    [
        (None, "null"),
        (5, "invalid"),
        ([SOME_ID], "invalid"),
        ("", "invalid"),
        (f"{{{SOME_ID}}}", "invalid"),
        (f"urn:uuid:{SOME_ID}", "invalid"),
        (SOME_ID.replace("-", ""), "invalid"),
        (f"{SOME_ID}\n", "invalid"),
        (SOME_ID.replace("3", "\uff13"), "invalid"),
        (SOME_ID.replace("-4b", "-0b"), "invalid"),
        ("k3Vd9QmTRxS1aLw0ZbYc7A", "unipile_id"),
        ("\ud800", "invalid"),
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


def test_unipiles_id_is_told_the_right_one(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    error = error_of(refresh(api, account.unipile_account_id), 400)

    assert error["code"] == "unipile_id"
    assert "Unipile's id" in error["detail"]
    assert "a UUID such as" in error["detail"]
    assert sandbox.request_count == 0


@pytest.mark.parametrize("account_id", [NIL, SOME_ID])
def test_id_of_no_account_is_not_found(
    api: APIClient, account: UnipileAccount, account_id: str
) -> None:
    error = error_of(refresh(api, account_id), 404)

    assert error["code"] == "not_found"
    assert account_id not in error["detail"]


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        (b"", "required", "accountId"),
        (b"null", None, None),
        (b'[{"accountId": "%b"}]' % SOME_ID.encode(), None, None),
        (b" ", "parse_error", None),
        (b"accountId=%b" % SOME_ID.encode(), "parse_error", None),
        (b'{"accountId": "\xff"}', "parse_error", None),
        (b'{"accountId": ' + b"9" * 10_000 + b"}", "parse_error", None),
        (b"[" * 60_000, "parse_error", None),
    ],
)
def test_wrong_body_is_refused(
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
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_body_not_declared_as_json_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, content_type: str
) -> None:
    body = json.dumps({"accountId": str(account.pk)})
    before = stored(account)

    error = error_of(post(api, body, content_type), 415)

    assert error["code"] == "unsupported_media_type"
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_methods_are_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, method: str
) -> None:
    body = json.dumps({"accountId": str(account.pk)})
    before = stored(account)

    response = api.generic(method, URL, body, content_type="application/json")

    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == "POST, OPTIONS"
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize("accept", ["text/html", ""])
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
        "/api/unipile/refresh//",
        "/api/unipile/refresh%00",
        "/api/%ff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_address_is_not_found_in_json(
    client_without_login: APIClient, method: str, url: str
) -> None:
    response = client_without_login.generic(method, url, "{", content_type="text/plain")

    assert error_of(response, 404)["code"] == "not_found"


@pytest.fixture
def client_without_login(db: None) -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize("url", [URL, "/api/token", "/api/nowhere"])
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
