from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING
from django.core.management import CommandError, call_command
from pytest_django import Settings

from unipile_accounts.checks import check_settings

GOOD = {"UNIPILE_DSN": "api8.unipile.com:13843", "UNIPILE_API_KEY": "key"}


@pytest.fixture(autouse=True)
def _good_settings(settings: Settings) -> None:
    for name, value in GOOD.items():
        setattr(settings, name, value)


def test_good_settings_pass() -> None:
    assert check_settings() == []


@pytest.mark.parametrize(
    ("setting", "value", "check_id"),
    [
        ("UNIPILE_DSN", "http://api8.unipile.com", "E001"),
        ("UNIPILE_API_KEY", "ke y", "E002"),
        ("PUBLIC_URL", "puffle.example", "E006"),
        ("UNIPILE_WEBHOOK_SECRET", "guessable", "E007"),
    ],
)
def test_wrong_setting_is_one_error(
    settings: Settings, setting: str, value: str, check_id: str
) -> None:
    setattr(settings, setting, value)

    [message] = check_settings()

    assert message.id == f"unipile_accounts.{check_id}"
    assert message.level == ERROR
    assert setting in message.msg
    assert message.hint


def test_unfinished_settings_are_warnings(settings: Settings) -> None:
    settings.UNIPILE_DSN = settings.UNIPILE_API_KEY = ""
    settings.PUBLIC_URL = settings.UNIPILE_WEBHOOK_SECRET = ""

    messages = check_settings()

    assert [message.id for message in messages] == [
        "unipile_accounts.E001",
        "unipile_accounts.E002",
    ]
    assert {message.level for message in messages} == {WARNING}


@pytest.mark.django_db
def test_check_command_runs_the_checks(settings: Settings) -> None:
    call_command("check")
    settings.UNIPILE_DSN = "http://api8.unipile.com"

    with pytest.raises(CommandError, match="UNIPILE_DSN is not the https"):
        call_command("check")
