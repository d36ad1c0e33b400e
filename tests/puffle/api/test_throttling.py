from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings
from redis import Redis
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle

from puffle import environment
from puffle.api.throttling import RateThrottle
from puffle.stores import tolerating_a_dead_cache
from tests.helpers import set_rates, until
from unipile_accounts.api.refresh import RefreshEndpoint
from unipile_accounts.models import UnipileAccount

URL = "/api/unipile/refresh"
NOON = 1_800_000_000.0


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    assert program, "There is no redis-server: apt-get install redis-server"
    socket = tmp_path_factory.mktemp("redis") / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    try:
        until(socket.exists)
        yield f"redis://{socket}"
    finally:
        server.terminate()
        server.wait(10)


def refresh(api: APIClient, account: UnipileAccount) -> Any:
    return api.post(URL, {"accountId": str(account.pk)}, format="json")


def log_in(address: str, **headers: str) -> Any:
    body = {"username": "nobody", "password": "wrong"}
    return Client(REMOTE_ADDR=address).post(
        "/api/token", body, content_type="application/json", headers=headers
    )


def count_passes(user: User, *, threads: int, tries: int) -> int:
    """Let threads ask the refresh throttle at one moment, and count those it lets through."""
    request: Any = APIRequestFactory().post(URL)
    request.user = user
    view = RefreshEndpoint(throttle_scope="refresh")
    barrier = Barrier(threads)

    def ask(_: int) -> int:
        barrier.wait(30)
        return sum(RateThrottle().allow_request(request, view) for _ in range(tries))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(ask, range(threads)))


# --- Windows --------------------------------------------------------------------------------------


def test_rate_is_kept_in_each_window(
    api: APIClient, account: UnipileAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_rates(refresh="2/min")

    def answers(seconds: float) -> tuple[int, str | None]:
        monkeypatch.setattr(SimpleRateThrottle, "timer", staticmethod(lambda: NOON + seconds))
        response = refresh(api, account)
        return response.status_code, response.headers.get("Retry-After")

    assert [answers(each) for each in (0, 10.5, 10.5, 59.9, 60, 60, 119)] == [
        (200, None),
        (200, None),
        (429, "50"),
        (429, "1"),
        (200, None),
        (200, None),
        (429, "1"),
    ]


# --- Whose requests are counted -------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proxies", "first", "second", "same"),
    [
        (0, "::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        (0, "2001:db8:1:1::1", "2001:db8:1:1:ffff::2", True),
        (0, "2001:db8:1:1::1", "2001:db8:1:2::1", False),
        (2, "6.6.6.6, 192.0.2.1, 10.0.0.2", "7.7.7.7, 192.0.2.1, 10.0.0.2", True),
    ],
)
def test_token_requests_are_counted_by_address(
    settings: Settings, proxies: int, first: str, second: str, same: bool
) -> None:
    set_rates(token="1/min")
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}

    if proxies:
        answers = [log_in("10.0.0.1", X_Forwarded_For=each) for each in (first, second)]
    else:
        # What the client writes itself is not believed.
        answers = [log_in(first, X_Forwarded_For="6.6.6.6"), log_in(second)]

    assert [answer.status_code for answer in answers] == [401, 429 if same else 401]


# --- Caches ---------------------------------------------------------------------------------------


def test_dead_cache_lets_requests_through_and_is_logged(
    api: APIClient,
    account: UnipileAccount,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_rates(refresh="1/min")
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": "unix:///no/such/socket"}}
    for each in logging.getLogger("puffle.stores").filters:
        # Another test may have said within this minute that the cache is down.
        vars(each).clear()

    assert [refresh(api, account).status_code for _ in range(3)] == [200] * 3

    assert [text for text in caplog.messages if text.startswith("The cache does not answer")]


def test_cache_that_hangs_costs_a_moment(settings: Settings, redis_url: str) -> None:
    settings.CACHES = {"default": environment.cache("TEST_CACHE_URL", default=redis_url)}
    with Redis.from_url(redis_url.replace("redis:", "unix:")) as redis:
        process = psutil.Process(redis.info()["process_id"])
    assert count_passes(User(pk=1), threads=1, tries=1) == 1

    process.suspend()
    try:
        started = time.monotonic()
        assert count_passes(User(pk=1), threads=1, tries=1) == 1
        seconds = time.monotonic() - started
    finally:
        process.resume()

    assert seconds < 0.9


@pytest.mark.django_db(transaction=True)
def test_cache_is_asked_without_a_database_connection() -> None:
    connection.ensure_connection()
    held = []
    with tolerating_a_dead_cache():
        held.append(connection.connection)

    assert held == [None]


@pytest.mark.parametrize("shared", [False, True])
def test_simultaneous_requests_do_not_get_past_the_rate(
    settings: Settings, redis_url: str, shared: bool
) -> None:
    if shared:
        settings.CACHES = {"default": environment.cache("TEST_CACHE_URL", default=redis_url)}

    assert count_passes(User(pk=2), threads=64, tries=3) == 60
