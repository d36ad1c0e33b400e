from __future__ import annotations

import pytest
from django.core import signing
from django.core.exceptions import ValidationError
from pytest_django import Settings

from unipile_accounts.services.searching.cursors import Position, digest, read_cursor, write_cursor

START = Position("k3Vd9QmTRxS1aLw0ZbYc7A", "classic", digest({"title": "Head"}), ["function"])
CURSOR = write_cursor(START, "unipiles")


def test_cursor_leads_on_with_the_same_filters_or_without() -> None:
    expected = START._replace(cursor="unipiles")

    assert read_cursor(CURSOR, START) == expected
    assert read_cursor(CURSOR, START._replace(query=digest({}), ignored_filters=[])) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unipile_account_id": "-Qe7TzH2R0uJm5nXc8VwPg"}, "another account"),
        ({"api": "sales_navigator"}, "plan has changed"),
        ({"query": digest({"title": "Chief"})}, "another search"),
    ],
)
def test_cursor_of_another_search_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        read_cursor(CURSOR, START._replace(**change))  # type: ignore[arg-type]

    [error] = caught.value.error_dict["cursor"]
    assert error.code == "invalid_cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        "unipiles",
        "x" * 20_000,
        ":::",
        "é:é:é",
        CURSOR[:-1],
        CURSOR + "x",
        "." + CURSOR,
        CURSOR.swapcase(),
        signing.dumps([*START], salt="another"),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationError, match="no cursor of ours"):
        read_cursor(cursor, START)


def test_cursor_outlives_a_key_that_is_kept_as_a_fallback(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    assert read_cursor(CURSOR, START).cursor == "unipiles"

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ValidationError):
        read_cursor(CURSOR, START)
