from __future__ import annotations

import json
import os
import re
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
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

NUMBER = "must be a whole number of"
RATE = "must be a number of requests per sec, min, hour or day, such as"

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
    assert settings["SECRET_KEY"] == PRODUCTION["SECRET_KEY"]
    assert settings["ALLOWED_HOSTS"] == ["app.puffle.example"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == []
    assert "SECURE_PROXY_SSL_HEADER" not in settings


def test_development_needs_nothing(read: Read) -> None:
    settings = read(DEBUG="1", SECRET_KEY=None, ALLOWED_HOSTS=None, DATABASE_URL=None)

    assert settings["DEBUG"] is True
    assert settings["SECRET_KEY"]
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"


def test_variables_are_taken_over(read: Read) -> None:
    settings = read(
        ACCESS_TOKEN_LIFETIME="60",
        REFRESH_TOKEN_LIFETIME="600",
        CSRF_TRUSTED_ORIGINS="https://a.example,https://b.example",
        DATABASE_POOL_SIZE="3",
        NUM_PROXIES="1",
        THROTTLE_REFRESH="5/hour",
        THROTTLE_TOKEN="7/day",
        TIME_ZONE="Europe/Kyiv",
        UNIPILE_DSN="api8.unipile.com:13843",
        UNIPILE_API_KEY="key",
        UNIPILE_TIMEOUT="3",
    )

    assert settings["SIMPLE_JWT"]["ACCESS_TOKEN_LIFETIME"] == timedelta(minutes=1)
    assert settings["SIMPLE_JWT"]["REFRESH_TOKEN_LIFETIME"] == timedelta(minutes=10)
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://a.example", "https://b.example"]
    assert settings["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"] == 3
    assert settings["REST_FRAMEWORK"]["NUM_PROXIES"] == 1
    assert settings["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"] == {
        "refresh": "5/hour",
        "live": "10/hour",
        "search": "30/min",
        "connect": "20/hour",
        "token": "7/day",
    }
    # Only a proxy of ours may say that a request came over https.
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert settings["TIME_ZONE"] == "Europe/Kyiv"
    assert settings["UNIPILE_DSN"] == "api8.unipile.com:13843"
    assert (settings["UNIPILE_API_KEY"], settings["UNIPILE_TIMEOUT"]) == ("key", 3)


@pytest.mark.parametrize("value", ["$SECRET_KEY", "\\$x", "%(x)s"])
def test_value_is_taken_as_written(read: Read, value: str) -> None:
    settings = read(SECRET_KEY=value, UNIPILE_API_KEY=value)

    assert (settings["SECRET_KEY"], settings["UNIPILE_API_KEY"]) == (value, value)


def test_password_in_a_url_is_taken_as_written(read: Read) -> None:
    settings = read(DATABASE_URL="postgres://puffle:$e%40cret@db.example/puffle?sslmode=require")

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


def test_names_between_commas_may_have_spaces_around(read: Read) -> None:
    settings = read(ALLOWED_HOSTS="a.example, .b.example ,[::1],*,127.0.0.1,")

    assert settings["ALLOWED_HOSTS"] == ["a.example", ".b.example", "[::1]", "*", "127.0.0.1"]


def test_bound_reaches_the_connection_and_the_pool(read: Read) -> None:
    options = read(DATABASE_TIMEOUT="2.5")["DATABASES"]["default"]["OPTIONS"]

    assert options["pool"]["timeout"] == 2.5
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (3, 2500)
    assert options["options"] == (
        "-c statement_timeout=2500 -c lock_timeout=300 -c idle_in_transaction_session_timeout=2500"
    )


def test_bound_of_0_is_none(read: Read) -> None:
    options = read(DATABASE_TIMEOUT="0")["DATABASES"]["default"]["OPTIONS"]

    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (0, 0)
    assert options["options"] == (
        "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    )


def test_migrations_have_no_bound(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])

    assert read(DATABASE_TIMEOUT="5")["DATABASE_TIMEOUT"] == 0


@pytest.mark.parametrize(("written", "sent"), [("", ""), ("-c%20x.y=1", "-c x.y=1")])
def test_options_of_the_url_replace_ours(read: Read, written: str, sent: str) -> None:
    settings = read(DATABASE_URL=f"postgres://puffle@db.example/puffle?options={written}")

    assert settings["DATABASES"]["default"]["OPTIONS"]["options"] == sent


def test_environment_wins_over_the_file(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("UNIPILE_API_KEY=from-the-file\nUNIPILE_TIMEOUT=9\n")

    settings = read(ENV_FILE=str(file), UNIPILE_TIMEOUT="4")

    assert settings["UNIPILE_API_KEY"] == "from-the-file"
    assert settings["UNIPILE_TIMEOUT"] == 4


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is missing. Set it to 50 or more random characters"),
        ("DATABASE_URL", "postgres://u:hidden@h:port/d", "DATABASE_URL is not the address"),
        ("DATABASE_URL", "postgres://puffle@db.example/", "DATABASE_URL names no database. Write"),
        ("DATABASE_URL", "sqlite:///db?timeout=60&mode=ro", "cannot set mode, timeout. Leave it"),
        ("DATABASE_POOL_SIZE", "0", f"DATABASE_POOL_SIZE {NUMBER} 1 or more, such as 10."),
        ("CACHE_URL", "nonsense", "CACHE_URL is not the address of a cache"),
        ("ACCESS_TOKEN_LIFETIME", "15m", f"ACCESS_TOKEN_LIFETIME {NUMBER} 1 or more, such as 900."),
        ("REFRESH_TOKEN_LIFETIME", "9" * 20, "REFRESH_TOKEN_LIFETIME must be a whole number"),
        ("NUM_PROXIES", "-1", f"NUM_PROXIES {NUMBER} 0 or more, such as 0."),
        ("THROTTLE_TOKEN", "0/min", f"THROTTLE_TOKEN {RATE} 30/min."),
        ("THROTTLE_LIVE", "many", f"THROTTLE_LIVE {RATE} 10/hour."),
        ("HTTPS", "maybe", "HTTPS must be 1 or 0."),
        ("DATABASE_TIMEOUT", "soon", "DATABASE_TIMEOUT must be a number of seconds from 0 to 999"),
        ("UNIPILE_TIMEOUT", "soon", "UNIPILE_TIMEOUT must be a number of seconds from 0.1 to 999"),
        ("UNIPILE_CONNECT_TIMEOUT", "0", "UNIPILE_CONNECT_TIMEOUT must be a number of seconds"),
        ("UNIPILE_POOL_SIZE", "0", f"UNIPILE_POOL_SIZE {NUMBER} 1 or more, such as 64."),
        ("UNIPILE_API_KEY", '"a-key"', "UNIPILE_API_KEY is in quotes. Leave the quotes out."),
        ("ALLOWED_HOSTS", "https://puffle.example", "ALLOWED_HOSTS holds 'https://puffle.example'"),
        ("CSRF_TRUSTED_ORIGINS", "a.example", "CSRF_TRUSTED_ORIGINS holds 'a.example'."),
        ("TIME_ZONE", "Europe/Kiev2", "TIME_ZONE is not the name of a time zone, such as Europe/"),
        ("WEB_CONCURRENCY", "many", f"WEB_CONCURRENCY {NUMBER} 1 or more, such as 2."),
    ],
)
def test_wrong_variable_is_named_with_what_to_write(
    read: Read, variable: str, value: str | None, what: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(what)) as caught:
        read(**{variable: value})

    assert "hidden" not in str(caught.value)


# --- In processes of their own --------------------------------------------------------------------


def ask(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a production that has no Unipile yet, with `get(path)` for its own pages."""
    begin = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "def get(path): return Client().get(path, headers={'host': 'app.puffle.example'})\n"
    )
    settings = {**PRODUCTION, "DATABASE_URL": "sqlite://:memory:", **environment}
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
import time
started = time.monotonic()
answer = get('/healthz')
print(answer.status_code, answer.content.decode(), time.monotonic() - started < 2, flush=True)
import os; os._exit(0)
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "url",
    [
        "postgres://puffle@127.0.0.1:1/puffle",
        "postgres://puffle@127.0.0.1:{silent_port}/puffle",
    ],
)
def test_health_is_503_within_a_second(silent_port: int, url: str) -> None:
    process = ask(ASK_FOR_HEALTH, DATABASE_URL=url.format(silent_port=silent_port))

    assert process.stdout == '503 {"database": "unavailable"} True\n', process.stderr


ASK_WITHOUT_DATABASE = """
import time
from django.test import Client
client = Client(headers={"host": "app.puffle.example"}, raise_request_exception=False)
for _ in range(3):
    client.post("/api/token", {"username": "a", "password": "b"}, "application/json")
"""


def test_database_that_is_down_is_one_error() -> None:
    process = ask(
        ASK_WITHOUT_DATABASE,
        DATABASE_URL="postgres://puffle@127.0.0.1:1/puffle",
        DATABASE_TIMEOUT="1",
        HTTPS="0",
    )

    entries = [json.loads(line) for line in process.stderr.splitlines()]
    assert [entry["status"] for entry in entries if "status" in entry] == [503] * 3
    [error] = [entry for entry in entries if entry["level"] == "ERROR"]
    assert "Connection refused" in error["message"]
    assert [entry["logger"] for entry in entries if entry["level"] == "WARNING"] == [
        "django.request"
    ]
