from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from pytest_django import Settings

from puffle.login import seconds_locked
from tests.helpers import error_of, set_rates

PASSWORD = "correct horse battery staple"
Door = Callable[..., int]


def by_token(name: str, password: str, *, address: str = "192.0.2.1", **headers: str) -> int:
    body = {"username": name, "password": password}
    response = Client(REMOTE_ADDR=address).post(
        "/api/token", body, content_type="application/json", headers=headers
    )
    return response.status_code


def by_admin(name: str, password: str, *, address: str = "192.0.2.1", **headers: str) -> int:
    """Answer as the API does: 401 for the form shown again, 200 for the way on."""
    body = {"username": name, "password": password}
    response = Client(REMOTE_ADDR=address).post("/admin/login/", body, headers=headers)
    return {200: 401, 302: 200}.get(response.status_code, response.status_code)


@pytest.fixture(autouse=True)
def user(db: None) -> User:
    return User.objects.create_superuser("customer", password=PASSWORD)


@pytest.fixture(params=[by_token, by_admin])
def log_in(request: pytest.FixtureRequest) -> Door:
    set_rates(token="1000/min")
    door: Door = request.param
    return door


# --- Guessing -------------------------------------------------------------------------------------


def test_tenth_failure_locks_the_name_out(log_in: Door) -> None:
    answers = [log_in("customer", f"guess {number}") for number in range(12)]

    assert answers == [401] * 9 + [429] * 3
    assert by_token("customer", PASSWORD) == 429
    assert by_admin("customer", PASSWORD) == 429


def test_others_are_not_locked_out(log_in: Door) -> None:
    User.objects.create_superuser("neighbour", password=PASSWORD)
    for _ in range(10):
        log_in("customer", "guess")

    assert log_in("customer", PASSWORD, address="192.0.2.2") == 200
    assert log_in("neighbour", PASSWORD) == 200
    assert log_in("customer", PASSWORD) == 429


def test_address_is_that_behind_our_proxies(log_in: Door, settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    for number in range(10):
        log_in("customer", "guess", X_Forwarded_For=f"6.6.6.{number}, 203.0.113.8")

    assert log_in("customer", PASSWORD, X_Forwarded_For="203.0.113.8") == 429
    assert log_in("customer", PASSWORD, X_Forwarded_For="203.0.113.9") == 200


def test_lockout_says_how_long_to_wait() -> None:
    body = {"username": "customer", "password": "guess"}
    for _ in range(10):
        response = Client().post("/api/token", body, content_type="application/json")

    assert error_of(response, 429)["code"] == "throttled"
    assert 890 < int(response["Retry-After"]) <= 900

    # Ten minutes later.
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=10))
    response = Client().post("/api/token", body, content_type="application/json")
    assert 290 < int(response["Retry-After"]) <= 300


def test_lockout_without_attempts_is_over_at_once(rf: RequestFactory, db: None) -> None:
    request: Any = rf.get("/")
    request.axes_ip_address = "192.0.2.1"

    assert seconds_locked(request) == 1


class DeadCache(LocMemCache):
    def get(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("Connection refused")

    add = get


def test_limit_holds_while_the_cache_is_dead(log_in: Door, settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.puffle.test_login.DeadCache"}}

    assert [log_in("customer", "guess") for _ in range(9)] == [401] * 9
    assert log_in("customer", PASSWORD) == 200
    assert [log_in("customer", "guess") for _ in range(10)] == [401] * 9 + [429]


def test_address_has_a_limit_too(log_in: Door) -> None:
    answers = [log_in(f"name-{number}", "guess") for number in range(60)]

    assert answers == [401] * 49 + [429] * 11
    assert log_in("customer", PASSWORD) == 429
    assert log_in("customer", PASSWORD, address="192.0.2.2") == 200


def test_own_login_does_not_free_an_address(log_in: Door) -> None:
    for number in range(49):
        log_in(f"name-{number}", "guess")
        assert log_in("customer", PASSWORD) == 200

    assert log_in("name-50", "guess") == 429


# --- Names and passwords --------------------------------------------------------------------------


def test_space_at_an_end_belongs_to_a_password(user: User, log_in: Door) -> None:
    user.set_password("Tr4il-ing-pw ")
    user.save()

    assert log_in("customer", "Tr4il-ing-pw ") == 200
    assert log_in("customer", "Tr4il-ing-pw") == 401


def test_name_is_compared_as_unicode_means_it(log_in: Door) -> None:
    User.objects.create_superuser("zo\u00eb", password=PASSWORD)

    assert log_in("zoe\u0308", PASSWORD) == 200


def test_other_spellings_of_a_name_count_together(log_in: Door) -> None:
    names = ["zoe\u0308", "zo\u00eb"] * 5

    assert [log_in(name, "guess") for name in names] == [401] * 9 + [429]


def test_long_name_is_a_failed_login(log_in: Door) -> None:
    # Each letter stands for 18.
    assert log_in("\ufdfa" * 150, "guess") == 401


# --- Hashing --------------------------------------------------------------------------------------


class TogetherHasher(MD5PasswordHasher):
    """Lets nobody finish hashing before everybody has begun."""

    barrier = Barrier(20)

    def verify(self, password: str, encoded: str) -> bool:
        self.barrier.wait(20)
        return super().verify(password, encoded)


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_passwords_are_hashed(log_in: Door, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.puffle.test_login.TogetherHasher"]

    def log_in_and_leave(_: int) -> int:
        try:
            return log_in("customer", PASSWORD)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(log_in_and_leave, range(20)))

    assert answers == [200] * 20


def test_login_with_an_old_hash_keeps_other_sessions(user: User, settings: Settings) -> None:
    login = {"username": "customer", "password": PASSWORD}
    former = Client().post("/api/token", login, content_type="application/json").json()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]

    assert by_token("customer", PASSWORD) == 200

    response = Client().post(
        "/api/token/refresh", {"refresh": former["refresh"]}, content_type="application/json"
    )
    assert response.status_code == 200
