from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.payloads.fields import Fields

ABOUT = "a question"


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (Fields.text, 5),
        (Fields.flag, "false"),
        (Fields.object, []),
        (Fields.texts, ["text", None]),
        (Fields.objects, [{}, "hidden"]),
    ],
)
def test_wrong_type_names_the_field_only(read: Callable[..., Any], value: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer, match="a question holds key of the wrong type"):
        read(Fields({"key": value}, about=ABOUT), "key")


@pytest.mark.parametrize("values", [None, [], "text"])
def test_what_is_no_object_has_no_fields(values: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer, match="a question holds no object"):
        Fields(values, about=ABOUT)
