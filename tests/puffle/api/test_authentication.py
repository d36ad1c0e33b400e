from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.helpers import error_of, make_account, stored
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

PASSWORD = "correct horse battery staple"


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("customer", password=PASSWORD)


@pytest.fixture
def account(user: User, sandbox: Sandbox) -> UnipileAccount:
    return make_account(user, sandbox)


@pytest.fixture
def anybody(db: None) -> APIClient:
    return APIClient(raise_request_exception=False)


def refresh(api: APIClient, account: UnipileAccount, authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"accountId": str(account.pk)}
    return api.post("/api/unipile/refresh", body, format="json", headers=headers)


def encode(claims: dict[str, Any], key: str | None = None) -> str:
    return jwt.encode(claims, key or django_settings.SECRET_KEY, algorithm="HS256")


def claims_of(user: User) -> dict[str, Any]:
    return dict(AccessToken.for_user(user).payload)


# --- The access token -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_token_opens_the_door(
    anybody: APIClient, user: User, account: UnipileAccount, scheme: str
) -> None:
    response = refresh(anybody, account, f"{scheme} {AccessToken.for_user(user)}")

    assert response.status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x y", "Bearer \xff", "Token x"])
def test_no_token_or_garbage_is_refused(
    anybody: APIClient, account: UnipileAccount, sandbox: Sandbox, authorization: str | None
) -> None:
    assert_refused(anybody, account, sandbox, authorization)


def assert_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, authorization: str | None
) -> dict[str, Any]:
    before = stored(account)

    response = refresh(api, account, authorization)

    assert response["WWW-Authenticate"].startswith("Bearer")
    assert stored(account) == before
    assert sandbox.request_count == 0
    return error_of(response, 401)


@pytest.mark.parametrize(
    "make",
    [
        lambda user: encode(claims_of(user) | {"exp": 1}),
        lambda user: jwt.encode(claims_of(user), key=None, algorithm="none"),
        lambda user: encode(claims_of(user), key="another key" * 5),
        lambda user: str(RefreshToken.for_user(user)),
        lambda user: encode(claims_of(user) | {"exp": "tomorrow"}),
        lambda user: encode(claims_of(user) | {"user_id": user.pk + 1000}),
    ],
)
def test_token_that_is_not_ours_is_refused(
    anybody: APIClient,
    user: User,
    account: UnipileAccount,
    sandbox: Sandbox,
    make: Callable[[User], str],
) -> None:
    assert_refused(anybody, account, sandbox, f"Bearer {make(user)}")


def test_token_of_an_inactive_user_is_refused(
    anybody: APIClient, user: User, account: UnipileAccount, sandbox: Sandbox
) -> None:
    token = AccessToken.for_user(user)
    User.objects.update(is_active=False)

    error = assert_refused(anybody, account, sandbox, f"Bearer {token}")
    assert error["code"] == "user_inactive"


# --- POST /api/token ------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/api/token", "/api/token/"])
def test_password_is_exchanged_for_tokens(
    anybody: APIClient, account: UnipileAccount, url: str
) -> None:
    body = {"username": "customer", "password": PASSWORD}

    response = anybody.post(url, body, format="json")

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert refresh(anybody, account, f"Bearer {response.json()['access']}").status_code == 200


def test_wrong_password_and_unknown_user_are_answered_alike(anybody: APIClient, user: User) -> None:
    logins = [{"username": "customer", "password": "x"}, {"username": "nobody", "password": "x"}]

    wrong, unknown = (anybody.post("/api/token", login, format="json") for login in logins)

    assert error_of(wrong, 401) == error_of(unknown, 401)
    assert error_of(wrong, 401)["code"] == "no_active_account"
    assert wrong["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("body", ['{"username": "customer"}', "{", "[" * 60_000])
def test_login_that_is_none_is_a_bad_request(anybody: APIClient, user: User, body: str) -> None:
    response = anybody.generic("POST", "/api/token", body, content_type="application/json")

    assert error_of(response, 400)


# --- POST /api/token/refresh ----------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/api/token/refresh", "/api/token/refresh/"])
def test_refresh_token_is_exchanged_for_an_access_token(
    anybody: APIClient, user: User, account: UnipileAccount, url: str
) -> None:
    response = anybody.post(url, {"refresh": str(RefreshToken.for_user(user))}, format="json")

    assert response.status_code == 200
    assert set(response.json()) == {"access"}
    assert refresh(anybody, account, f"Bearer {response.json()['access']}").status_code == 200


def exchange(api: APIClient, token: object) -> Any:
    return api.post("/api/token/refresh", {"refresh": token}, format="json")


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "garbage",
        lambda user: str(AccessToken.for_user(user)),
        lambda user: encode({**RefreshToken.for_user(user).payload, "exp": 1}),
    ],
)
def test_refresh_token_that_is_none_is_refused(
    anybody: APIClient, user: User, make: Callable[[User], str]
) -> None:
    response = exchange(anybody, make(user))

    assert error_of(response, 401)["code"] == "token_not_valid"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_change_of_password_ends_both_tokens(
    anybody: APIClient, user: User, account: UnipileAccount, sandbox: Sandbox
) -> None:
    access, again = AccessToken.for_user(user), str(RefreshToken.for_user(user))
    user.set_password("another password")
    user.save()

    error = assert_refused(anybody, account, sandbox, f"Bearer {access}")
    assert error["code"] == "password_changed"
    response = exchange(anybody, again)
    assert error_of(response, 401)["code"] == "password_changed"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_refresh_token_of_a_user_who_left_is_refused(anybody: APIClient, user: User) -> None:
    token = str(RefreshToken.for_user(user))

    User.objects.update(is_active=False)
    assert error_of(exchange(anybody, token), 401)["code"] == "user_inactive"
    user.delete()
    assert error_of(exchange(anybody, token), 401)["code"] == "user_not_found"
