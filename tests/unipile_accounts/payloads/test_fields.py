from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.payloads.fields import Fields

ABOUT = "a question"


def test_absent_and_null_fields_are_nothing() -> None:
    for fields in (Fields({}, about=ABOUT), Fields({"key": None}, about=ABOUT)):
        assert (fields.text("key"), fields.flag("key"), fields.object("key")) == (None, None, None)
        assert (fields.texts("key"), fields.objects("key")) == ([], [])


def test_fields_of_the_right_type_are_read() -> None:
    fields = Fields(
        {"a": "text", "b": False, "c": {"d": "inner"}, "e": ["x"], "f": [{"g": True}]}, about=ABOUT
    )

    assert (fields.text("a"), fields.flag("b"), fields.texts("e")) == ("text", False, ["x"])
    inner = fields.object("c")
    assert inner
    assert inner.text("d") == "inner"
    assert [each.flag("g") for each in fields.objects("f")] == [True]
    assert "a" in fields
    assert "z" not in fields


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
