from __future__ import annotations

import pytest
from pytest_django import Settings

from unipile_accounts.conf import Dsn, conf
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured


@pytest.mark.parametrize(
    ("written", "base_url", "query"),
    [
        ("api8.unipile.com:13843", "https://api8.unipile.com:13843", {}),
        ("https://api8.unipile.com:13843/", "https://api8.unipile.com:13843", {}),
        ("HTTPS://api8.unipile.com", "https://api8.unipile.com", {}),
        ("https://api8.unipile.com?port=13843", "https://api8.unipile.com", {"port": "13843"}),
        ("api8.unipile.com/?port=13843", "https://api8.unipile.com", {"port": "13843"}),
        ("http://localhost:8001", "http://localhost:8001", {}),
        ("http://[::1]:8001", "http://[::1]:8001", {}),
    ],
)
def test_dsn_is_read_in_every_form(
    settings: Settings, written: str, base_url: str, query: dict[str, str]
) -> None:
    settings.UNIPILE_DSN = written

    assert conf.unipile_dsn == Dsn(base_url, query)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("", "is not set"),
        ("api8.unipile.com\n", "not an https address"),
        (":13843", "not an https address"),
        ("-api8.unipile.com", "not an https address"),
        ("ftp://api8.unipile.com", "not an https address"),
        ("http://api8.unipile.com:13843", "plain http"),
        ("http://localhost.evil.example", "plain http"),
        ("https://api8.unipile.com:abc", "not an https address"),
        ("https://api8.unipile.com:0", "not an https address"),
        ("https://api8.unipile.com/api/v1", "more than host and port"),
        ("https://user:secret@api8.unipile.com", "more than host and port"),
        ("api8.unipile.com?port=", "query"),
        ("api8.unipile.com?port=1&port=2", "query"),
        ("api8.unipile.com?port=123456", "query"),
    ],
)
def test_wrong_dsn_is_named_with_a_hint(settings: Settings, written: str, what: str) -> None:
    settings.UNIPILE_DSN = written

    with pytest.raises(UnipileNotConfigured, match="UNIPILE_DSN") as caught:
        _ = conf.unipile_dsn

    assert what in caught.value.message
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("written", ["", " key", "key\n", "ke y", "kéy", "k\0"])
def test_wrong_key_is_refused_and_not_repeated(settings: Settings, written: str) -> None:
    settings.UNIPILE_API_KEY = written

    with pytest.raises(UnipileNotConfigured, match="UNIPILE_API_KEY") as caught:
        _ = conf.unipile_api_key

    assert "kéy" not in str(caught.value)


def test_key_is_taken_as_it_is(settings: Settings) -> None:
    settings.UNIPILE_API_KEY = "aB+/=.-_~9"

    assert conf.unipile_api_key == "aB+/=.-_~9"


def test_settings_are_read_at_the_moment_of_use(settings: Settings) -> None:
    settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "api1.unipile.com:13111", "first"

    assert conf.unipile_dsn == Dsn("https://api1.unipile.com:13111", {})
    assert conf.unipile_api_key == "first"
    settings.UNIPILE_API_KEY = "second"
    assert conf.unipile_api_key == "second"


def test_wrong_deployment_is_no_bad_answer() -> None:
    assert not issubclass(UnipileNotConfigured, UnipileError)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://puffle.example", "https://puffle.example"),
        ("https://puffle.example/", "https://puffle.example"),
        ("https://puffle.example:8443", "https://puffle.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_public_url_is_read_without_its_slash(settings: Settings, written: str, url: str) -> None:
    settings.PUBLIC_URL = written

    assert conf.public_url == url


@pytest.mark.parametrize(
    "written", ["", "x", "//x", "ftp://x", "https://x?a", "https://x#a", "http://x"]
)
def test_unusable_public_url_is_named(settings: Settings, written: str) -> None:
    settings.PUBLIC_URL = written

    with pytest.raises(UnipileNotConfigured, match="PUBLIC_URL"):
        _ = conf.public_url


@pytest.mark.parametrize("written", ["x" * 20, "!~" * 100, f"{'x' * 20},{'y' * 20}"])
def test_secrets_are_taken_as_written(settings: Settings, written: str) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = written

    assert conf.webhook_secrets == written.split(",")


def test_missing_secret_is_named(settings: Settings) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = ""

    with pytest.raises(UnipileNotConfigured, match=r"SECRET is not set\. Make one: python -c"):
        _ = conf.webhook_secrets


@pytest.mark.parametrize(
    "written",
    [
        "x" * 19,
        "x" * 201,
        "x" * 20 + "\n",
        "\u00e9" * 20,
        "guess," + "x" * 20,
        "x" * 20 + ",",
        "x" * 20 + ", " + "x" * 20,
        ",".join(["x" * 20] * 3),
    ],
)
def test_wrong_secret_is_named_and_not_shown(settings: Settings, written: str) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = written

    with pytest.raises(UnipileNotConfigured, match="SECRET is not one secret") as caught:
        _ = conf.webhook_secrets

    assert written not in str(caught.value)


def test_first_secret_is_the_registered_one(settings: Settings) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = f"{'x' * 20},{'y' * 20}"

    assert conf.webhook_secrets == ["x" * 20, "y" * 20]
