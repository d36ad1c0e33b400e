"""Prometheus' page, of this process and of real ones."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings

from script.settings_environment import isolated
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
    for secret in (str(account.pk), account.unipile_account_id, owner.username, "Mara", "made-up"):
        assert f'"{secret}' not in page
        assert f"/{secret}" not in page
    assert "BREW" not in page


# --- Several processes ----------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    """Serve with two processes that share nothing but their folder of counts."""
    environment = isolated(
        METRICS="1",
        HTTPS="0",
        ALLOWED_HOSTS="puffle.example",
        WEB_CONCURRENCY="2",
        DATABASE_URL="sqlite://:memory:",
        SECRET_KEY="x" * 50,
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "puffle.wsgi", "--bind=127.0.0.1:0", "--threads=1"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield server
    finally:
        server.terminate()
        server.communicate()


def port_of(server: subprocess.Popen[str]) -> int:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("gunicorn does not say where it listens")


def send(port: int, method: str, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": "puffle.example"})
    body = connection.getresponse().read().decode()
    connection.close()
    return body


def requests_for_a_token(port: int) -> list[str]:
    """Return how many of them the page has counted."""
    page = send(port, "GET", "/metrics")
    return re.findall(r'seconds_count{.*route="/\^api/token/\?\$",status="400"} (.*)', page)


def test_counts_are_of_all_processes_and_outlive_them(server: subprocess.Popen[str]) -> None:
    port = port_of(server)
    [folder] = Path(tempfile.gettempdir()).glob(f"puffle-metrics-{server.pid}-*")
    for _ in range(20):
        send(port, "POST", "/api/token")
    # Whichever process answers.
    assert [requests_for_a_token(port) for _ in range(10)] == [["20.0"]] * 10

    worker = psutil.Process(server.pid).children()[0]
    worker.kill()
    worker.wait()
    # What a process leaves that is killed while it begins to count.
    (folder / "counter_99999.db").touch()

    send(port, "POST", "/api/token")
    assert requests_for_a_token(port) == ["21.0"]
