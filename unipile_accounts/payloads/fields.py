from __future__ import annotations

from typing import Any, Self, TypeVar

from unipile_accounts.exceptions import UnipileUnexpectedAnswer

_Kind = TypeVar("_Kind")


class Fields:
    """The fields of one JSON object in an answer.

    A field that is absent or null is None, or an empty list. One of another type than was asked
    for raises `UnipileUnexpectedAnswer`, which names the field and never its value.
    """

    def __init__(self, values: Any, *, about: str) -> None:
        self._about = about
        if not isinstance(values, dict):
            raise self.unexpected("no object")
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str) -> str | None:
        return self._one(key, str)

    def flag(self, key: str) -> bool | None:
        return self._one(key, bool)

    def number(self, key: str) -> int | None:
        value = self._one(key, int)
        if isinstance(value, bool):
            raise self.unexpected(f"{key} of the wrong type")
        return value

    def object(self, key: str) -> Self | None:
        values = self._one(key, dict)
        return None if values is None else self._of(values)

    def texts(self, key: str) -> list[str]:
        return self._many(key, str)

    def objects(self, key: str) -> list[Self]:
        return [self._of(values) for values in self._many(key, dict)]

    def unexpected(self, what: str) -> UnipileUnexpectedAnswer:
        return UnipileUnexpectedAnswer(f"Unipile's answer for {self._about} holds {what}.")

    def _of(self, values: dict[str, Any]) -> Self:
        return type(self)(values, about=self._about)

    def _one(self, key: str, kind: type[_Kind]) -> _Kind | None:
        value = self._values.get(key)
        if value is None or isinstance(value, kind):
            return value
        raise self.unexpected(f"{key} of the wrong type")

    def _many(self, key: str, kind: type[_Kind]) -> list[_Kind]:
        values = self._one(key, list) or []
        if all(isinstance(value, kind) for value in values):
            return values
        raise self.unexpected(f"{key} of the wrong type")


def storable(text: str) -> str:
    """Leave out what PostgreSQL cannot store, NUL and lone surrogates, and surrounding space."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8").strip()
