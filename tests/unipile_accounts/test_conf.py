from __future__ import annotations

import pytest
from pytest_django import Settings

from unipile_accounts.conf import (
    Dsn,
    conf,
    parse_api_key,
    parse_count,
    parse_dsn,
    parse_public_url,
    parse_seconds,
    parse_secrets,
)
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
def test_dsn_is_read_in_every_form(written: str, base_url: str, query: dict[str, str]) -> None:
    assert parse_dsn(written) == Dsn(base_url, query)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("", "is not set"),
        ("api8.unipile.com\n", "line break"),
        (":13843", "no host"),
        ("-api8.unipile.com", "no host"),
        ("ftp://api8.unipile.com", "not an https address"),
        ("http://api8.unipile.com:13843", "plain http"),
        ("http://localhost.evil.example", "plain http"),
        ("https://api8.unipile.com:abc", "not an address"),
        ("https://api8.unipile.com:0", "more than host and port"),
        ("https://api8.unipile.com/api/v1", "more than host and port"),
        ("https://user:secret@api8.unipile.com", "more than host and port"),
        ("api8.unipile.com?port=", "query"),
        ("api8.unipile.com?port=1&port=2", "query"),
        ("api8.unipile.com?port=123456", "query"),
    ],
)
def test_wrong_dsn_is_named_with_a_hint(written: str, what: str) -> None:
    with pytest.raises(UnipileNotConfigured, match="UNIPILE_DSN") as caught:
        parse_dsn(written)

    assert what in caught.value.message
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("written", ["", "key\n", "ke y", "kéy"])
def test_wrong_key_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(UnipileNotConfigured, match="UNIPILE_API_KEY") as caught:
        parse_api_key(written)

    assert "kéy" not in str(caught.value)


def test_key_is_taken_as_it_is() -> None:
    assert parse_api_key("aB+/=.-_~9") == "aB+/=.-_~9"


@pytest.mark.parametrize(("written", "seconds"), [("15", 15), ("2.5", 2.5), (3, 3), ("600", 600)])
def test_seconds_are_read(written: object, seconds: float) -> None:
    assert parse_seconds("UNIPILE_TIMEOUT", written) == seconds


@pytest.mark.parametrize("written", ["", "soon", None, "0", "601", "nan"])
def test_wrong_seconds_are_refused(written: object) -> None:
    with pytest.raises(UnipileNotConfigured, match="UNIPILE_TIMEOUT is not a number of seconds"):
        parse_seconds("UNIPILE_TIMEOUT", written)


@pytest.mark.parametrize(("written", "count"), [("1", 1), ("64", 64), (1000, 1000)])
def test_counts_are_read(written: object, count: int) -> None:
    assert parse_count("UNIPILE_POOL_SIZE", written) == count


@pytest.mark.parametrize("written", ["many", None, "0", "1001", "1.5", "\u0664", True, "9" * 5000])
def test_wrong_counts_are_refused(written: object) -> None:
    with pytest.raises(UnipileNotConfigured, match="UNIPILE_POOL_SIZE is not a whole number"):
        parse_count("UNIPILE_POOL_SIZE", written)


def test_settings_are_read_at_the_moment_of_use(settings: Settings) -> None:
    settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "api1.unipile.com:13111", "first"
    settings.UNIPILE_TIMEOUT, settings.UNIPILE_CONNECT_TIMEOUT = "9", "4"
    settings.UNIPILE_POOL_SIZE = "8"

    assert conf.unipile_dsn == Dsn("https://api1.unipile.com:13111", {})
    assert conf.unipile_api_key == "first"
    assert (conf.unipile_timeout, conf.unipile_connect_timeout) == (9, 4)
    assert conf.unipile_pool_size == 8
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
def test_public_url_is_read_without_its_slash(written: str, url: str) -> None:
    assert parse_public_url(written) == url


@pytest.mark.parametrize("written", ["", "x", "//x", "ftp://x", "https://x?a", "https://x#a"])
def test_unusable_public_url_is_named(written: str) -> None:
    with pytest.raises(UnipileNotConfigured, match="PUBLIC_URL"):
        parse_public_url(written)


@pytest.mark.parametrize("written", ["x" * 20, "!~" * 100, f"{'x' * 20},{'y' * 20}"])
def test_secrets_are_taken_as_written(written: str) -> None:
    assert parse_secrets("NAME", written) == written.split(",")


def test_missing_secret_is_named() -> None:
    with pytest.raises(UnipileNotConfigured, match=r"NAME is not set\. Make one: python -c"):
        parse_secrets("NAME", "")


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("x" * 19, "NAME is not 20 to 200"),
        ("x" * 201, "NAME is not 20 to 200"),
        ("x" * 20 + "\n", "NAME is not 20 to 200"),
        ("\u00e9" * 20, "NAME is not 20 to 200"),
        ("guess," + "x" * 20, "NAME, number 1 of 2, is not 20 to 200"),
        ("x" * 20 + ",guess", "NAME, number 2 of 2, is not 20 to 200"),
        ("x" * 20 + ", " + "x" * 20, "NAME, number 2 of 2, is not 20 to 200"),
        (",".join(["x" * 20] * 3), "NAME holds more than two secrets"),
    ],
)
def test_wrong_secret_is_named_and_not_shown(written: str, what: str) -> None:
    with pytest.raises(UnipileNotConfigured, match=what) as caught:
        parse_secrets("NAME", written)

    assert written not in str(caught.value)


def test_first_secret_is_the_registered_one(settings: Settings) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = f"{'x' * 20},{'y' * 20}"

    assert conf.webhook_secrets == ["x" * 20, "y" * 20]
