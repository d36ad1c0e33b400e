from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from unipile_accounts.services.searching.cursors import Cursor, read_cursor, write_cursor

WHOSE: dict[str, Any] = {"unipile_account_id": "k3Vd9QmTRxS1aLw0ZbYc7A", "api": "classic"}
CURSOR = Cursor({"title": "Head", "location": ["1"]}, "its")
WRITTEN = write_cursor(CURSOR, **WHOSE)


@pytest.mark.parametrize("filters", [CURSOR.filters, {}])
def test_cursor_leads_on_with_filters_or_without(filters: Any) -> None:
    assert read_cursor(WRITTEN, **WHOSE, filters=filters) == CURSOR


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (WRITTEN, {"unipile_account_id": "-Qe7TzH2R0uJm5nXc8VwPg"}),
        (WRITTEN, {"api": "sales_navigator"}),
        (WRITTEN, {"filters": {"title": "Chief"}}),
        (WRITTEN[:-1], {}),
        ("its", {}),
    ],
)
def test_cursor_of_another_search_is_refused(text: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        read_cursor(text, **{**WHOSE, "filters": CURSOR.filters, **change})

    [error] = caught.value.error_dict["cursor"]
    assert error.code == "invalid_cursor"
