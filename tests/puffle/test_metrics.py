"""Prometheus' page, served by real processes, and read as Prometheus reads it."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from script.settings_environment import isolated
from tests.helpers import api_client, make_account
from unipile_sandbox import Fault, Sandbox


def samples(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(page: str, name: str, **labels: str) -> float:
    return samples(page).get((name, frozenset(labels.items())), 0.0)


@pytest.fixture
def page(settings: Settings) -> Any:
    """Read the page of this process, in which other tests have counted too."""
    settings.METRICS = True
    client = Client()

    def read() -> str:
        response = client.get("/metrics", headers={"Host": "10.0.0.1:8000"})
        assert response.status_code == 200
        return response.content.decode()

    return read


@pytest.mark.parametrize("metrics", [True, False])
def test_page_is_neither_for_outsiders_nor_the_default(
    db: None, settings: Settings, metrics: bool
) -> None:
    settings.METRICS = metrics
    headers = {"X-Forwarded-For": "203.0.113.8"} if metrics else {}

    assert Client().get("/metrics", headers=headers).status_code == 404


def test_refreshes_changes_and_answers_are_counted(
    page: Any, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    before = page()
    api = api_client(owner)

    body = {"accountId": str(account.pk)}
    api.post("/api/unipile/refresh", body, format="json")
    sandbox.inject(Fault(status=422))
    api.post("/api/unipile/refresh", body, format="json")

    after = page()

    def grew(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grew("unipile_refreshes_total", door="api", outcome="refreshed", code="") == 1
    failed = {"door": "api", "outcome": "failed", "code": "unipile_error"}
    assert grew("unipile_refreshes_total", **failed) == 1
    assert grew("unipile_account_changes_total", field="is_premium") == 1
    for status in ("200", "422"):
        answers = {"resource": "accounts", "status": status}
        assert grew("unipile_answer_duration_seconds_count", **answers) == 1
    answered = {"route": "/api/unipile/refresh/?$", "method": "POST", "status": "200"}
    assert grew("http_request_duration_seconds_count", **answered) == 1


def test_no_label_tells_who_or_which(page: Any, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, name="Mara Feldkamp")
    api = api_client(owner)
    api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    Client().get(f"/admin/unipile_accounts/unipileaccount/{account.pk}/change/")
    Client().get("/api/unipile/a-made-up-path")
    Client().generic("BREW", "/api/token")

    text = page()

    for secret in (str(account.pk), account.unipile_account_id, owner.username, "Mara", "made-up"):
        assert f'"{secret}' not in text
        assert f"/{secret}" not in text
    assert "BREW" not in text


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


def _port_of(server: subprocess.Popen[str]) -> int:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("gunicorn does not say where it listens")


def send(port: int, method: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": "puffle.example"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def refused_logins(port: int) -> float:
    """Return how many of them the page has counted."""
    [count] = [
        number
        for (name, labels), number in samples(send(port, "GET", "/metrics")[1]).items()
        if name == "http_request_duration_seconds_count" and ("route", "/^api/token/?$") in labels
    ]
    return count


def test_counts_are_of_all_processes_and_outlive_them(server: subprocess.Popen[str]) -> None:
    port = _port_of(server)
    [folder] = Path(tempfile.gettempdir()).glob(f"puffle-metrics-{server.pid}-*")
    assert {send(port, "POST", "/api/token")[0] for _ in range(20)} == {400}
    # Whichever process answers.
    assert {refused_logins(port) for _ in range(10)} == {20}

    worker = psutil.Process(server.pid).children()[0]
    worker.kill()
    worker.wait()
    # What a process leaves that is killed while it begins to count.
    (folder / "counter_99999.db").touch()

    send(port, "POST", "/api/token")
    assert refused_logins(port) == 21
