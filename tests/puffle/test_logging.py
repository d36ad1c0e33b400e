from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from puffle.logging import add_request, json_formatter
from unipile_accounts.exceptions import UnipileError, UnipileReconnectRequired
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Fault, Sandbox

URL = "/api/unipile/refresh"
PASSWORD = "Correct-Horse-7-Battery"


class _Lines(logging.Handler):
    """What production writes, as the objects that a collector of logs would read."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(add_request)
        self.setFormatter(json_formatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.lines)

    def of(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self if entry["logger"] == name]


@pytest.fixture
def log() -> Iterator[_Lines]:
    handler = _Lines()
    root = logging.getLogger()
    root.addHandler(handler)
    for each in logging.getLogger("django.request").filters:
        # Another test may have said within this minute that the database is down.
        vars(each).clear()
    yield handler
    root.removeHandler(handler)
    root.setLevel(logging.INFO)


def post(api: APIClient, pk: object, **extra: Any) -> Any:
    return api.post(URL, {"accountId": str(pk)}, format="json", **extra)


# --- Request ids ----------------------------------------------------------------------------------


def test_well_formed_request_id_is_kept(client: Client, log: _Lines) -> None:
    response = client.get("/api/nowhere", headers={"X-Request-ID": "A.b-c_9"})

    assert response["X-Request-ID"] == "A.b-c_9"
    assert {entry["request_id"] for entry in log} == {"A.b-c_9"}


@pytest.mark.parametrize("given", ["", "x" * 129, 'a","level":"'])
def test_any_other_request_gets_an_id(client: Client, log: _Lines, given: str) -> None:
    headers = {"X-Request-ID": given}

    ids = [client.get("/api/nowhere", headers=headers)["X-Request-ID"] for _ in range(2)]

    assert all(uuid.UUID(each).hex == each for each in ids)
    assert ids[0] != ids[1]
    assert [entry["request_id"] for entry in log] == ids


# --- An entry for each request and each refresh ---------------------------------------------------


@pytest.mark.django_db
def test_static_files_leave_no_entry(client: Client, log: _Lines) -> None:
    response = client.get("/static/admin/css/base.css")
    response.close()

    assert response["X-Request-ID"]
    assert list(log) == []


def test_refresh_leaves_an_entry_beside_its_request(
    api: APIClient, client: Client, account: UnipileAccount, sandbox: Sandbox, log: _Lines
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["sales_navigator"])

    response = post(api, account.pk)
    client.get("/api/nowhere")

    refresh, request, stranger = log
    assert stranger["user"] is None
    assert refresh["milliseconds"] >= 0
    assert request.items() >= {
        ("logger", "puffle.middleware"),
        ("message", f"POST {URL} 200"),
        ("method", "POST"),
        ("path", URL),
        ("status", 200),
        ("address", "127.0.0.1"),
    }
    assert refresh | {"time": "", "milliseconds": 0, "changed": []} == {
        "time": "",
        "user": account.user_id,
        "level": "INFO",
        "logger": "unipile_accounts.services",
        "request_id": response["X-Request-ID"],
        "message": f"Account {account.pk} refreshed",
        "door": "api",
        "account": str(account.pk),
        "outcome": "refreshed",
        "code": None,
        "changed": [],
        "milliseconds": 0,
    }
    assert {"has_sales_navigator", "is_premium"} <= set(refresh["changed"])
    for key in ("user", "request_id", "level"):
        assert request[key] == refresh[key]


@pytest.mark.parametrize("door", [Door.COMMAND, Door.EVENT])
def test_refresh_that_fails_leaves_an_entry_too(
    account: UnipileAccount, sandbox: Sandbox, log: _Lines, door: Door
) -> None:
    rows = UnipileAccount.objects.all()

    sandbox.inject(Fault(status=500))
    with pytest.raises(UnipileError):
        refresh_account(rows, account.pk, door=door)
    rows.update(status="disconnected", given_up_at=timezone.now())
    with pytest.raises(UnipileReconnectRequired):
        refresh_account(rows, account.pk, door=door)
    with pytest.raises(UnipileAccount.DoesNotExist):
        refresh_account(rows.none(), account.pk, door=door)

    entries = log.of("unipile_accounts.services")
    assert [(entry["outcome"], entry["code"]) for entry in entries] == [
        ("failed", "unipile_error"),
        ("skipped", "reconnect_required"),
        ("failed", "not_found"),
    ]
    assert {(entry["door"], entry["account"]) for entry in entries} == {(door, str(account.pk))}


def test_refresh_without_a_database_leaves_the_reason(
    api: APIClient, account: UnipileAccount, log: _Lines
) -> None:
    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "unipile_accounts" in sql:
            raise OperationalError("the connection is closed")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        response = post(api, account.pk)

    assert response.status_code == 503
    [reason] = log.of("django.request")
    assert reason["error"] == "OperationalError: the connection is closed"
    assert "trace" not in reason


def test_error_on_purpose_is_no_crash(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, log: _Lines
) -> None:
    sandbox.inject(Fault(status=418))

    assert post(api, account.pk).status_code == 502

    assert [entry["logger"] for entry in log] == ["unipile_accounts.services", "puffle.middleware"]
    assert [entry["level"] for entry in log] == ["WARNING", "INFO"]


@pytest.mark.django_db
def test_host_that_is_not_served_leaves_one_line(
    client: Client, settings: Settings, log: _Lines
) -> None:
    settings.ALLOWED_HOSTS = ["puffle.example"]

    assert client.get("/admin/", headers={"Host": "evil.example"}).status_code == 400

    assert [(entry["logger"], entry["status"]) for entry in log] == [("puffle.middleware", 400)]
    assert "evil.example" not in log.lines[0]


@pytest.mark.django_db
def test_logged_address_is_behind_our_proxies(
    client: Client, settings: Settings, log: _Lines
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}

    client.get("/api/nowhere", headers={"X-Forwarded-For": "6.6.6.6, 2001:db8::9"})

    assert [entry["address"] for entry in log] == ["2001:db8::9"]


# --- Nothing secret -------------------------------------------------------------------------------


def test_neither_passwords_nor_tokens_nor_queries_are_logged(
    account: UnipileAccount, owner: User, log: _Lines
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    owner.set_password(PASSWORD)
    owner.is_staff = True
    owner.save()
    api = APIClient()
    login = {"username": owner.username, "password": PASSWORD}
    tokens = api.post("/api/token", login, format="json").json()
    secrets = [PASSWORD, "Wrong-Password-1", *(token.split(".")[2] for token in tokens.values())]

    api.post("/api/token", {**login, "password": "Wrong-Password-1"}, format="json")
    api.post("/api/token/refresh", {"refresh": tokens["refresh"]}, format="json")
    api.post("/api/token/refresh", {"refresh": tokens["access"]}, format="json")
    api.post(f"/api/token?password={PASSWORD}", "no json", content_type="application/json")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    post(api, account.pk)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']} {PASSWORD}")
    post(api, account.pk)
    api.get(f"/nowhere?token={tokens['access']}")
    Client().post("/admin/login/", login)
    Client().post("/admin/login/", {**login, "password": "Wrong-Password-1"})

    assert len(log.of("puffle.middleware")) == 10
    assert [text for text in secrets for line in log.lines if text in line] == []


def test_crash_is_logged_without_local_variables(
    api: APIClient, account: UnipileAccount, log: _Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        secret = PASSWORD  # noqa: F841  # what a trace with local variables would show
        raise RuntimeError("boom")

    monkeypatch.setattr("unipile_accounts.api.refresh.refresh_account", crash)
    api.raise_request_exception = False
    response = post(api, account.pk)

    assert response.status_code == 500
    [entry] = log.of("django.request")
    assert entry["level"] == "ERROR"
    assert entry["request_id"] == response["X-Request-ID"]
    assert "in crash" in entry["trace"]
    assert "RuntimeError: boom" in entry["trace"]
    assert PASSWORD not in "".join(log.lines)
    assert b"boom" not in response.content


def test_user_of_an_entry_is_kept() -> None:
    record = logging.makeLogRecord({"user": 5})

    add_request(record)

    assert record.__dict__["user"] == 5


# --- Lines ----------------------------------------------------------------------------------------


def test_no_message_makes_a_second_line() -> None:
    text = 'a\nb{"level":"ERROR"}\u2028\ud800'
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), "name": text, "what": {1: text}})

    line = json_formatter().format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == text
