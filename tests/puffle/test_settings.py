from __future__ import annotations

import json
import os
import re
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from script.settings_environment import isolated

ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "app.puffle.example",
    "DATABASE_URL": "postgres://puffle@db.example/puffle",
}

Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings anew from a production environment; None leaves a variable out."""

    def read_settings(**environment: str | None) -> dict[str, Any]:
        given = {**isolated(), **PRODUCTION, **environment}
        for name in set(os.environ) | set(given):
            value = given.get(name)
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "puffle" / "settings.py"))

    return read_settings


def test_production_is_safe_when_nothing_else_is_said(read: Read) -> None:
    settings = read()

    assert settings["DEBUG"] is False
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["CSRF_TRUSTED_ORIGINS"] == []
    assert "SECURE_PROXY_SSL_HEADER" not in settings


def test_development_needs_nothing(read: Read) -> None:
    settings = read(DEBUG="1", SECRET_KEY=None, ALLOWED_HOSTS=None, DATABASE_URL=None)

    assert settings["SECRET_KEY"]
    assert settings["SECURE_SSL_REDIRECT"] is False


def test_variables_are_taken_over(read: Read) -> None:
    settings = read(
        ALLOWED_HOSTS="a.example, .b.example ,[::1],*,127.0.0.1,",
        ACCESS_TOKEN_LIFETIME="60",
        CSRF_TRUSTED_ORIGINS="https://a.example,https://b.example",
        DATABASE_POOL_SIZE="3",
        NUM_PROXIES="1",
        THROTTLE_REFRESH="5/hour",
        TIME_ZONE="Europe/Kyiv",
        UNIPILE_TIMEOUT="3.5",
    )

    assert settings["ALLOWED_HOSTS"] == ["a.example", ".b.example", "[::1]", "*", "127.0.0.1"]
    assert settings["SIMPLE_JWT"]["ACCESS_TOKEN_LIFETIME"] == timedelta(minutes=1)
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://a.example", "https://b.example"]
    assert settings["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"] == 3
    assert settings["REST_FRAMEWORK"]["NUM_PROXIES"] == 1
    assert settings["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"]["refresh"] == "5/hour"
    # Only a proxy of ours may say that a request came over https.
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert settings["TIME_ZONE"] == "Europe/Kyiv"
    assert settings["UNIPILE_TIMEOUT"] == 3.5


def test_value_is_taken_as_written(read: Read) -> None:
    url = "postgres://puffle:$e%40cret@db.example/puffle?sslmode=require"

    settings = read(UNIPILE_API_KEY="$SECRET_KEY", DATABASE_URL=url)

    assert settings["UNIPILE_API_KEY"] == "$SECRET_KEY"
    database = settings["DATABASES"]["default"]
    assert (database["PASSWORD"], database["OPTIONS"]["sslmode"]) == ("$e@cret", "require")


@pytest.mark.parametrize("line", ["PASSWORD hidden", "UNIPILE_API_KEY = hidden"])
def test_bad_line_is_named_and_not_shown(
    read: Read, tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    file = tmp_path / "env"
    file.write_text(f"# ours\n\nUNIPILE_TIMEOUT=9\n{line}\n")

    with pytest.raises(ImproperlyConfigured, match=r"Line 4 of .* is not understood") as caught:
        read(ENV_FILE=str(file))

    assert "hidden" not in f"{caught.value}{capfd.readouterr()}"


def test_bound_reaches_the_connection_and_the_pool(read: Read) -> None:
    options = read(DATABASE_TIMEOUT="2.5")["DATABASES"]["default"]["OPTIONS"]

    assert options["pool"]["timeout"] == 2.5
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (3, 2500)
    assert options["options"] == (
        "-c statement_timeout=2500 -c lock_timeout=300 -c idle_in_transaction_session_timeout=2500"
    )


def test_migrations_have_no_bound(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])

    options = read(DATABASE_TIMEOUT="5")["DATABASES"]["default"]["OPTIONS"]

    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (0, 0)
    assert options["pool"] is False
    assert options["options"] == (
        "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    )


def test_empty_options_of_a_url_replace_ours(read: Read) -> None:
    settings = read(DATABASE_URL="postgres://puffle@db.example/puffle?sslmode=require&options=")

    options = settings["DATABASES"]["default"]["OPTIONS"]
    assert (options["options"], options["sslmode"]) == ("", "require")


def test_environment_wins_over_the_file(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("UNIPILE_API_KEY=from-the-file\nUNIPILE_TIMEOUT=9\n")

    settings = read(ENV_FILE=str(file), UNIPILE_TIMEOUT="4")

    assert settings["UNIPILE_API_KEY"] == "from-the-file"
    assert settings["UNIPILE_TIMEOUT"] == 4


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("SECRET_KEY", "", "is missing. Set it to 50 or more random characters"),
        ("DATABASE_URL", "postgres://u:hidden@h:port/d", "is not the address of a database."),
        ("DATABASE_URL", "postgres://puffle@db.example/", "is not the address of a database."),
        ("CACHE_URL", "nonsense", "is not the address of a cache. Write it like redis://"),
        ("CACHE_URL", "memcache://127.0.0.1:11211", "is not the address of a cache."),
        ("DATABASE_POOL_SIZE", "0", "must be a whole number above 0, such as 10."),
        ("ACCESS_TOKEN_LIFETIME", "9" * 20, "must be a whole number above 0, such as 900."),
        ("WEB_CONCURRENCY", "many", "must be a whole number above 0, such as 2."),
        (
            "UNIPILE_TIMEOUT",
            "soon",
            "must be a number of seconds above 0 and up to 999, such as 15.",
        ),
        ("UNIPILE_CONNECT_TIMEOUT", "0", "must be a number of seconds above 0 and up to 999"),
        ("THROTTLE_TOKEN", "0/min", "must be a number of requests per sec, min, hour or day, such"),
        ("HTTPS", "maybe", "must be 1 or 0, such as 1."),
        ("UNIPILE_API_KEY", '"a-key"', "is in quotes. Leave the quotes out."),
        ("ENV_FILE", "/etc/puffle.evn", "names /etc/puffle.evn, which is not there."),
        ("ALLOWED_HOSTS", "https://puffle.example", "must be host names only, such as"),
        ("TIME_ZONE", "Europe/Kiev2", "must be the name of a time zone, such as UTC."),
    ],
)
def test_wrong_variable_is_named_with_what_to_write(
    read: Read, variable: str, value: str, what: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"{variable} {what}")) as caught:
        read(**{variable: value})

    assert "hidden" not in str(caught.value)


# --- In processes of their own --------------------------------------------------------------------


def ask(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a production that has no Unipile yet, with a client of its own pages."""
    begin = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "headers = {'host': 'app.puffle.example'}\n"
        "client = Client(headers=headers, raise_request_exception=False)\n"
    )
    settings = {**PRODUCTION, "HTTPS": "0", **environment}
    return subprocess.run(
        [sys.executable, "-c", begin + code],
        env=isolated(DJANGO_SETTINGS_MODULE="puffle.settings", LOG_JSON="1", **settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


ASK_FOR_HEALTH = """
import time, os
started = time.monotonic()
answer = client.get('/healthz')
print(answer.status_code, answer.content.decode(), time.monotonic() - started < 2, flush=True)
os._exit(0)
"""


def test_health_is_503_within_a_second() -> None:
    # The port takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgres://puffle@127.0.0.1:{listener.getsockname()[1]}/puffle"
        process = ask(ASK_FOR_HEALTH, DATABASE_URL=url)

    assert process.stdout == '503 {"database": "unavailable"} True\n', process.stderr


ASK_FOR_TOKENS = """
for _ in range(3):
    client.post("/api/token", {"username": "a", "password": "b"}, "application/json")
"""


def test_database_that_is_down_is_one_error() -> None:
    process = ask(
        ASK_FOR_TOKENS, DATABASE_URL="postgres://puffle@127.0.0.1:1/puffle", DATABASE_TIMEOUT="1"
    )

    entries = [json.loads(line) for line in process.stderr.splitlines()]
    assert [entry["status"] for entry in entries if "status" in entry] == [503] * 3
    [cause] = [entry for entry in entries if entry["level"] == "WARNING"]
    assert "Connection refused" in cause["message"]
    [error] = [entry for entry in entries if entry["level"] == "ERROR"]
    assert error["logger"] == "django.request"
