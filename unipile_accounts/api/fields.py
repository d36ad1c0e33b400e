"""Fields that the endpoints share."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from unipile_accounts.models.account import UNIPILE_ID

ACCOUNT_ID_PATTERN = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)


@extend_schema_field({"type": "string", "format": "uuid", "pattern": ACCOUNT_ID_PATTERN})
class AccountIdField(serializers.Field[uuid.UUID, Any, str, Any]):
    """A UUID in the one form of the public page. `UUIDField` takes many more."""

    default_error_messages = {
        "invalid": "Send the account's id, such as 3c90c3cc-0d44-4b50-8888-8dd25736052a.",
        "unipile_id": (
            "This looks like Unipile's id. Send the account's own, a UUID such as"
            " 3c90c3cc-0d44-4b50-8888-8dd25736052a."
        ),
    }

    def to_internal_value(self, data: Any) -> uuid.UUID:
        text = data if isinstance(data, str) else ""
        # In Python `$` also matches before a final line break, so fullmatch().
        if re.fullmatch(ACCOUNT_ID_PATTERN[1:-1], text):
            return uuid.UUID(text)
        self.fail("unipile_id" if UNIPILE_ID.match(text) else "invalid")


class KnownFieldsSerializer(serializers.Serializer[Any]):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a field that nobody reads, such as a misspelt switch or filter."""
        if unknown := set(self.initial_data) - set(self.fields):
            message = f"There is no such field. There are: {', '.join(self.fields)}."
            raise serializers.ValidationError(dict.fromkeys(unknown, message), "unknown_field")
        return attrs


class AccountIdSerializer(KnownFieldsSerializer):
    accountId = AccountIdField(
        help_text="UUID of the unipile_accounts row. Must be owned by the authenticated user."
    )


def one_of(choices: Sequence[str], **kwargs: Any) -> serializers.ChoiceField:
    """Return a choice whose error names what there is to choose from."""
    message = f"“{{input}}” is none of these: {', '.join(choices)}."
    return serializers.ChoiceField(choices, error_messages={"invalid_choice": message}, **kwargs)


class WeeklyLimitField(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**53 - 1, **kwargs)


@extend_schema_field({"type": "boolean", "enum": [True]})
class TrueField(serializers.BooleanField):
    """The public page's `success`, which is true in every 200."""
