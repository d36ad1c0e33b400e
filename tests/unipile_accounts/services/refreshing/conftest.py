from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from unipile_accounts import interrupts
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_accounts
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Request, Sandbox

# What an account may be like, and what its row holds then.
KINDS: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({}, (False, False, 80, 100, "connected")),
    ({"premium_features": ["premium"]}, (True, False, 100, 150, "connected")),
    ({"premium_features": ["sales_navigator"]}, (True, True, 100, 150, "connected")),
    ({"premium_features": None, "premium_id": "ACwAA1"}, (True, False, 100, 150, "connected")),
    ({"statuses": ["CREDENTIALS"]}, (False, False, 80, 100, "credentials_required")),
    ({"statuses": ["CONNECTING"]}, (False, False, 80, 100, "connected")),
]


def refresh_all(**options: Any) -> list[RefreshResult]:
    options = {"accounts": UnipileAccount.objects.all(), "door": Door.COMMAND} | options
    return list(refresh_accounts(options.pop("accounts"), **options))


def is_list(request: Request) -> bool:
    return urlsplit(request.path).path == "/api/v1/accounts"


def asked_for(sandbox: Sandbox) -> tuple[int, list[str]]:
    """Return the number of list requests, and the ids of which each was asked for by itself."""
    paths = [urlsplit(request.path).path for request in sandbox.requests]
    alone = [path.rpartition("/")[2] for path in paths if path != "/api/v1/accounts"]
    return len(paths) - len(alone), sorted(alone)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited between tries, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(interrupts, "pause", seconds.append)
    return seconds


@pytest.fixture
def received() -> Iterator[list[dict[str, Any]]]:
    """Collect what the receivers of the signal are given."""
    collected: list[dict[str, Any]] = []

    def receive(**kwargs: Any) -> None:
        collected.append(kwargs)

    account_refreshed.connect(receive)
    yield collected
    account_refreshed.disconnect(receive)
