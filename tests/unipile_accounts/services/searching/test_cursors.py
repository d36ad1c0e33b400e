from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from unipile_accounts.payloads.people import Search
from unipile_accounts.services.searching.cursors import read_cursor, write_cursor

SEARCH = Search("k3Vd9QmTRxS1aLw0ZbYc7A", "classic", {"title": "Head", "location": ["1"]})
NEXT_PAGE = SEARCH._replace(cursor="its")
WRITTEN = write_cursor(NEXT_PAGE)


@pytest.mark.parametrize("filters", [SEARCH.filters, {}])
def test_cursor_leads_on_with_filters_or_without(filters: Any) -> None:
    assert read_cursor(WRITTEN, SEARCH._replace(filters=filters)) == NEXT_PAGE


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
        read_cursor(text, SEARCH._replace(**change))

    [error] = caught.value.error_dict["cursor"]
    assert error.code == "invalid_cursor"
