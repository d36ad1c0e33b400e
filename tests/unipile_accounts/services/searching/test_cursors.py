from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.core.exceptions import ValidationError
from pytest_django import Settings

from unipile_accounts.services.searching.cursors import Cursor, digest, read_cursor, write_cursor

START: dict[str, Any] = {
    "unipile_account_id": "k3Vd9QmTRxS1aLw0ZbYc7A",
    "api": "classic",
    "filters": {"title": "Head"},
}
CURSOR = Cursor("k3Vd9QmTRxS1aLw0ZbYc7A", "classic", digest(START["filters"]), ["function"], "its")
WRITTEN = write_cursor(CURSOR)


@pytest.mark.parametrize("filters", [{"title": "Head"}, {}])
def test_cursor_leads_on_with_filters_or_without(filters: dict[str, str]) -> None:
    assert read_cursor(WRITTEN, **{**START, "filters": filters}) == CURSOR


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unipile_account_id": "-Qe7TzH2R0uJm5nXc8VwPg"}, "another account"),
        ({"api": "sales_navigator"}, "plan has changed"),
        ({"filters": {"title": "Chief"}}, "another search"),
    ],
)
def test_cursor_of_another_search_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        read_cursor(WRITTEN, **START | change)

    [error] = caught.value.error_dict["cursor"]
    assert error.code == "invalid_cursor"


@pytest.mark.parametrize(
    "text",
    [
        "its",
        "x" * 20_000,
        WRITTEN[:-1],
        signing.dumps([*CURSOR], salt="another"),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="The cursor is invalid"):
        read_cursor(text, **START)


def test_cursor_outlives_its_key_as_a_fallback(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    assert read_cursor(WRITTEN, **START) == CURSOR

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ValidationError):
        read_cursor(WRITTEN, **START)
