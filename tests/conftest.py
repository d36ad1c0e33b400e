from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle
from rest_framework_simplejwt.tokens import AccessToken

from unipile_accounts.models import UnipileAccount
from unipile_accounts.unipile.http import close_session
from unipile_sandbox import Sandbox, linkedin_account

Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """Unipile as these tests know it, empty, and the settings that lead to it."""
    settings.UNIPILE_DSN = running_sandbox.url
    settings.UNIPILE_API_KEY = running_sandbox.api_key
    yield running_sandbox
    for thread in threading.enumerate():
        if thread.name == "unipile-question":
            # A pass that was stopped leaves it asking.
            thread.join()
    running_sandbox.reset()


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Nothing is left of what the process remembers between requests."""
    cache.clear()
    close_session()
    yield
    close_session()


@pytest.fixture(scope="session", autouse=True)
def _quick() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test client would read the date and size of every static file.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def _same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # The pause before a second request is spread at random.
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 50)
    # No window of the throttles ends while a test counts.
    monkeypatch.setattr(SimpleRateThrottle, "timer", staticmethod(lambda: 1_800_000_000.0))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite's test database in a file: threads cannot wait for each other in memory."""
    if connection.vendor == "sqlite":
        name = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(name)


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger")


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """A free account, at Unipile as in the row."""
    return make_account(owner, sandbox)


def make_account(
    user: User, sandbox: Sandbox | None = None, *, payload: dict[str, Any] | None = None, **row: Any
) -> UnipileAccount:
    """Store a row and, with a sandbox, the account at Unipile that it is about."""
    payload = payload or linkedin_account()
    if sandbox:
        sandbox.add(payload)
        member = payload.get("connection_params", {}).get("im", {}).get("id", "")
        row.setdefault("linkedin_id", member if isinstance(member, str) else "")
    return UnipileAccount.objects.create(user=user, unipile_account_id=payload["id"], **row)


def stored(account: UnipileAccount) -> dict[str, Any]:
    """Return the row as the database holds it, but for what every try writes down."""
    row = {**UnipileAccount.objects.values().get(pk=account.pk)}
    del row["last_tried_at"], row["last_error"]
    return row


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def api(owner: User) -> APIClient:
    """A client that is logged in as the owner."""
    return api_client(owner)


def api_client(user: User) -> APIClient:
    api = APIClient(raise_request_exception=False)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return api


def error_of(response: Any, status: int) -> dict[str, Any]:
    """Return the only error of an answer that has the shape and type of its status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    answer = json.loads(response.content)
    assert set(answer) == {"type", "errors"}
    [error] = answer["errors"]
    assert set(error) == {"code", "detail", "attr"}
    assert error["detail"]
    invalid = "validation_error" if error["attr"] else "client_error"
    assert answer["type"] == ("server_error" if status >= 500 else invalid)
    return dict(error)


@pytest.fixture
def statements() -> Statements:
    """Collect the SQL of a block, without what begins and ends a transaction."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        collected: list[str] = []
        with CaptureQueriesContext(connection) as queries:
            yield collected
        collected += [
            query["sql"]
            for query in queries
            if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
        ]

    return collect
