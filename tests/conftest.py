from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from tests.helpers import Statements, api_client, forget_session, make_account
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox


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
    # Threads are left behind by answers that drip and by a pass that was stopped.
    if asking := [each for each in threading.enumerate() if each.name == "unipile-question"]:
        running_sandbox.hang_up()
    for thread in asking:
        thread.join()
    running_sandbox.reset()


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Nothing is left of what the process remembers between requests."""
    cache.clear()
    forget_session()
    yield
    forget_session()


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
    # Rates that a test sets are its own.
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {**SimpleRateThrottle.THROTTLE_RATES})


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let a test be one long transaction, and keep SQLite's database in a file for its threads."""
    if connection.vendor == "sqlite":
        name = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(name)
    else:
        unbounded = " -c idle_in_transaction_session_timeout=0"
        connection.settings_dict["OPTIONS"]["options"] += unbounded


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


@pytest.fixture
def api(owner: User) -> APIClient:
    """A client that is logged in as the owner."""
    return api_client(owner)


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
