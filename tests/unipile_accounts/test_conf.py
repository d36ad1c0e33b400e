from __future__ import annotations

import pytest
from pytest_django import Settings

from unipile_accounts.conf import Dsn, conf
from unipile_accounts.exceptions import UnipileNotConfigured


@pytest.mark.parametrize(
    ("written", "base_url", "query"),
    [
        ("api8.unipile.com:13843", "https://api8.unipile.com:13843", {}),
        ("HTTPS://api8.unipile.com:13843/", "https://api8.unipile.com:13843", {}),
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
    "written",
    [
        "api8.unipile.com\n",
        ":13843",
        "ftp://api8.unipile.com",
        "http://api8.unipile.com:13843",
        "http://localhost.evil.example",
        "https://api8.unipile.com:abc",
        "https://api8.unipile.com/api/v1",
        "https://user:secret@api8.unipile.com",
        "api8.unipile.com?port=1&port=2",
    ],
)
def test_wrong_dsn_is_named_with_a_hint(settings: Settings, written: str) -> None:
    settings.UNIPILE_DSN = written

    with pytest.raises(UnipileNotConfigured, match="UNIPILE_DSN is not the https") as caught:
        _ = conf.unipile_dsn

    assert "13843" in caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("written", ["", "key\n", "ke y", "kéy"])
def test_wrong_key_is_refused_and_not_repeated(settings: Settings, written: str) -> None:
    settings.UNIPILE_API_KEY = written

    with pytest.raises(UnipileNotConfigured, match="UNIPILE_API_KEY") as caught:
        _ = conf.unipile_api_key

    assert "kéy" not in str(caught.value)


@pytest.mark.parametrize("written", ["https://puffle.example:8443", "http://127.0.0.1:8000"])
def test_public_url_is_read_without_its_slash(settings: Settings, written: str) -> None:
    settings.PUBLIC_URL = f"{written}/"

    assert conf.public_url == written


@pytest.mark.parametrize("written", ["", "x", "https://x?a", "https://x#a", "http://x"])
def test_unusable_public_url_is_named(settings: Settings, written: str) -> None:
    settings.PUBLIC_URL = written

    with pytest.raises(UnipileNotConfigured, match="PUBLIC_URL"):
        _ = conf.public_url


@pytest.mark.parametrize("written", ["x" * 20, "!~" * 100, f"{'x' * 20},{'-' * 20}"])
def test_secrets_are_taken_as_written(settings: Settings, written: str) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = written

    assert conf.webhook_secrets == written.split(",")


@pytest.mark.parametrize(
    "written",
    [
        "x" * 19,
        "x" * 201,
        "x" * 20 + "\n",
        "guess," + "x" * 20,
        "x" * 20 + ", " + "x" * 20,
        ",".join(["x" * 20] * 3),
    ],
)
def test_wrong_secret_is_named_and_not_shown(settings: Settings, written: str) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = written

    with pytest.raises(UnipileNotConfigured, match="SECRET is not one secret") as caught:
        _ = conf.webhook_secrets

    assert written not in str(caught.value)
    assert "python -c" in caught.value.hint
