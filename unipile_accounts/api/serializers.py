from __future__ import annotations

import re
import uuid
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from unipile_accounts.limits import FREE, PREMIUM
from unipile_accounts.results import RefreshResult

MAX_SAFE_INTEGER = 2**53 - 1
ACCOUNT_ID_PATTERN = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)
_UNIPILE_ID = re.compile(r"[A-Za-z0-9_-]{22}")


@extend_schema_field({"type": "string", "format": "uuid", "pattern": ACCOUNT_ID_PATTERN})
class AccountIdField(serializers.Field[uuid.UUID, Any, str, Any]):
    """A UUID in the one form of the public page; `uuid.UUID()` and `UUIDField` take many more."""

    default_error_messages = {
        "invalid": _(
            "Send the id of the account here as a string, a UUID such as"
            " 3c90c3cc-0d44-4b50-8888-8dd25736052a."
        ),
        "unipile_id": _(
            "This looks like Unipile's id of the account. Send its id here instead, a UUID such as"
            " 3c90c3cc-0d44-4b50-8888-8dd25736052a."
        ),
    }

    def to_internal_value(self, data: Any) -> uuid.UUID:
        # fullmatch(), because in Python `$` also matches before a final line break.
        if isinstance(data, str) and re.fullmatch(ACCOUNT_ID_PATTERN[1:-1], data):
            return uuid.UUID(data)
        if isinstance(data, str) and _UNIPILE_ID.fullmatch(data):
            self.fail("unipile_id")
        self.fail("invalid")

    def to_representation(self, value: uuid.UUID) -> str:
        return str(value)


class RefreshRequestSerializer(serializers.Serializer[Any]):
    accountId = AccountIdField(  # noqa: N815  # the name on the public page
        help_text=_("UUID of the unipile_accounts row. Must be owned by the authenticated user.")
    )


class ChangedSerializer(serializers.Serializer[Any]):
    is_premium = serializers.BooleanField()
    has_sales_navigator = serializers.BooleanField()


class WeeklyLimitField(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_SAFE_INTEGER, **kwargs)


@extend_schema_field({"type": "boolean", "enum": [True]})
class TrueField(serializers.BooleanField):
    pass


class RefreshResponseSerializer(serializers.Serializer[RefreshResult]):
    success = TrueField(help_text=_("Always true: an error has another status."))
    is_premium = serializers.BooleanField(
        help_text=_("True if the LinkedIn account has any premium feature or a premiumId."),
    )
    has_sales_navigator = serializers.BooleanField(
        help_text=_("True if the account has the sales_navigator premium feature."),
    )
    weekly_connection_limit = WeeklyLimitField(
        help_text=(
            "Weekly connection-request cap after refresh."
            f" Premium accounts get {PREMIUM.connections}, free get {FREE.connections}."
        ),
    )
    weekly_message_limit = WeeklyLimitField(
        help_text=(
            "Weekly message cap after refresh."
            f" Premium accounts get {PREMIUM.messages}, free get {FREE.messages}."
        ),
    )
    changed = ChangedSerializer(
        help_text=_(
            "Per-field diff versus the previously stored row. Both false means nothing changed."
        ),
    )

    def to_representation(self, result: RefreshResult) -> dict[str, Any]:
        # The fields are what the schema shows. To go through them costs a twentieth of a refresh.
        account, changes = result.account, result.changes
        return {
            "success": True,
            "is_premium": account.is_premium,
            "has_sales_navigator": account.has_sales_navigator,
            "weekly_connection_limit": account.weekly_connection_limit,
            "weekly_message_limit": account.weekly_message_limit,
            "changed": {
                "is_premium": "is_premium" in changes,
                "has_sales_navigator": "has_sales_navigator" in changes,
            },
        }
