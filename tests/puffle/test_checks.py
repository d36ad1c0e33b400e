"""Environments that are right or wrong, in processes of their own."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from puffle import checks
from script.settings_environment import isolated

ROOT = Path(__file__).parents[2]
SOUND = {
    "ALLOWED_HOSTS": "puffle.example",
    "NUM_PROXIES": "1",
    "PUBLIC_URL": "https://puffle.example",
    "WEB_CONCURRENCY": "1",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "UNIPILE_API_KEY": "a-key",
    "UNIPILE_DSN": "api8.unipile.com:13843",
    "UNIPILE_WEBHOOK_SECRET": secrets.token_urlsafe(32),
}


@pytest.fixture(scope="module", autouse=True)
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> None:
    SOUND["DATABASE_URL"] = f"sqlite:///{tmp_path_factory.mktemp('checks')}/db.sqlite3"
    assert run("manage.py", "migrate", "--verbosity=0")[0] == 0


def run(*arguments: str, **changed: str | None) -> tuple[int, str]:
    """Run Python in a sound environment but for the changes; return its status and what it says."""
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=ROOT,
        env=isolated(
            **{name: text for name, text in (SOUND | changed).items() if text is not None}
        ),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"HSTS_PRELOAD": "1", "HSTS_INCLUDE_SUBDOMAINS": "1", "HSTS_SECONDS": "31536000"},
        {"NUM_PROXIES": "0"},
    ],
)
def test_sound_environment_passes_the_checks(changed: dict[str, str]) -> None:
    assert "identified no issues" in run("manage.py", "check", "--deploy", **changed)[1]


@pytest.mark.parametrize(
    ("changed", "messages"),
    [
        (
            {"NUM_PROXIES": None, "WEB_CONCURRENCY": None, "ALLOWED_HOSTS": None},
            [
                "(puffle.W002) NUM_PROXIES is not set.",
                "(puffle.W003) Several processes count requests each",
                "(security.W020) ALLOWED_HOSTS must not be empty",
                "(unipile_accounts.W001) ALLOWED_HOSTS lacks puffle.example",
            ],
        ),
        (
            {
                "PUBLIC_URL": None,
                "UNIPILE_WEBHOOK_SECRET": None,
                "DATABASE_URL": "sqlite://:memory:",
            },
            [
                "PUBLIC_URL is not set",
                "UNIPILE_WEBHOOK_SECRET is not set",
                "migrations are not applied. HINT: Run manage.py migrate.",
            ],
        ),
        ({"PUBLIC_URL": "https://["}, ["(unipile_accounts.E006) PUBLIC_URL is not the https"]),
        (
            {"ALLOWED_HOSTS": "puffle.example:443"},
            ["(unipile_accounts.W001) ALLOWED_HOSTS lacks puffle.example"],
        ),
        (
            {
                "CACHE_URL": "redis:/host",
                "DATABASE_URL": "postgres://puffle@127.0.0.1:1/puffle",
                "HSTS_PRELOAD": "1",
                "SECRET_KEY": "short",
            },
            [
                "(puffle.W004) The cache does not answer",
                "(puffle.W005) HSTS_PRELOAD has no effect without",
                "(puffle.W006) The database does not answer: connection failed: connection to",
                "(security.W009) Your SECRET_KEY has less than 50 characters",
            ],
        ),
    ],
)
def test_wrong_deployment_is_named_in_one_line(
    changed: dict[str, str | None], messages: list[str]
) -> None:
    status, text = run("manage.py", "check", "--deploy", "--fail-level=WARNING", **changed)

    assert status == 1
    assert [message for message in messages if message not in text] == []
    assert f"identified {len(messages)} issue" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(("url", "ids"), [("sqlite://", []), (None, ["puffle.W008"])])
def test_forgotten_database_is_named(
    db: None, monkeypatch: pytest.MonkeyPatch, url: str | None, ids: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url) if url else monkeypatch.delenv("DATABASE_URL", False)

    assert [message.id for message in checks.check_database()] == ids


def test_site_without_unipile_is_served_with_a_warning() -> None:
    status, text = run("manage.py", "check", UNIPILE_DSN="", UNIPILE_API_KEY="")

    assert status == 0
    assert text.count("HINT") == 2


def test_server_does_not_start_and_says_once_why() -> None:
    status, text = run("-m", "gunicorn", "puffle.wsgi", "--bind=127.0.0.1:0", SECRET_KEY="")

    assert status == 3
    assert text.count("SECRET_KEY is missing.") == 1
    assert "Traceback" not in text
