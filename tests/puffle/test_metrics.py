"""What Prometheus is told by one process. Those of a server are in test_serving.py."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings

from tests.helpers import api_client, make_account
from unipile_sandbox import Fault, Sandbox


@pytest.mark.parametrize("metrics", [True, False])
def test_page_is_neither_for_outsiders_nor_the_default(
    db: None, settings: Settings, metrics: bool
) -> None:
    settings.METRICS = metrics
    headers = {"X-Forwarded-For": "203.0.113.8"} if metrics else {}

    assert Client().get("/metrics", headers=headers).status_code == 404


def test_refreshes_changes_and_answers_are_counted(
    owner: User, sandbox: Sandbox, settings: Settings
) -> None:
    settings.METRICS = True
    account = make_account(owner, sandbox)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    refreshed = {"door": "api", "outcome": "refreshed", "code": ""}
    failed = {"door": "api", "outcome": "failed", "code": "unipile_error"}
    request = {"route": "/api/unipile/refresh/?$", "method": "POST", "status": "200"}
    samples = [
        ("unipile_refreshes_total", refreshed),
        ("unipile_refreshes_total", failed),
        ("unipile_account_changes_total", {"field": "is_premium"}),
        ("unipile_answer_duration_seconds_count", {"resource": "accounts", "status": "200"}),
        ("unipile_answer_duration_seconds_count", {"resource": "accounts", "status": "422"}),
        ("http_request_duration_seconds_count", request),
    ]
    before = [REGISTRY.get_sample_value(*sample) or 0 for sample in samples]
    api = api_client(owner)
    body = {"accountId": str(account.pk)}

    api.post("/api/unipile/refresh", body, format="json")
    sandbox.inject(Fault(status=422))
    api.post("/api/unipile/refresh", body, format="json")

    assert [REGISTRY.get_sample_value(*sample) for sample in samples] == [n + 1 for n in before]


def test_no_label_tells_who_or_which(owner: User, sandbox: Sandbox, settings: Settings) -> None:
    settings.METRICS = True
    account = make_account(owner, sandbox, name="Mara Feldkamp")
    api = api_client(owner)
    api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    Client().get(f"/admin/unipile_accounts/unipileaccount/{account.pk}/change/")
    Client().get("/api/unipile/a-made-up-path")
    Client().generic("BREW", "/api/token")

    page = Client().get("/metrics", headers={"Host": "10.0.0.1:8000"}).content.decode()

    assert "unipile_refreshes_total" in page
    pool = {"in_use", "idle"} if connection.vendor == "postgresql" else set()
    assert set(re.findall(r'database_pool_connections{state="(\w+)"}', page)) == pool
    for secret in (str(account.pk), account.unipile_account_id, owner.username, "Mara", "made-up"):
        assert f'"{secret}' not in page
        assert f"/{secret}" not in page
    assert "BREW" not in page
