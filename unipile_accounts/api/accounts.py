"""`GET` and `DELETE /api/unipile/accounts`: list the caller's accounts, and disconnect one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import by_status
from unipile_accounts.api.fields import (
    ACCOUNT_ID_SCHEMA,
    AccountIdSerializer,
    TrueField,
    WeeklyLimitField,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import disconnect_account


class AccountSerializer(serializers.ModelSerializer[UnipileAccount]):
    user_id = serializers.CharField(help_text="The owner, who is the caller.")
    type = serializers.CharField(help_text="Always linkedin.")
    status = serializers.ChoiceField(
        choices=["connected", "credentials_required"],
        help_text="credentials_required: the LinkedIn login is lost; reconnect the account.",
    )
    provider_account_id = serializers.CharField(
        source="unipile_account_id", help_text="Unipile's id. No endpoint here takes it."
    )
    display_name = serializers.CharField(source="name")
    profile_url = serializers.CharField(help_text="At LinkedIn; empty where it is not known.")
    weekly_connection_limit = WeeklyLimitField(help_text="Invitations that may go out in a week.")
    weekly_message_limit = WeeklyLimitField(help_text="Messages that may go out in a week.")
    refreshed_at = serializers.DateTimeField(
        allow_null=True, help_text="When Unipile was asked last; null: the plan is not known yet."
    )
    live_checked_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When LinkedIn named the plan; null: it is Unipile's copy.",
    )
    last_tried_at = serializers.DateTimeField(
        allow_null=True, help_text="When a refresh was tried last, by anybody."
    )
    last_error = serializers.CharField(
        help_text="The code of why that refresh failed; empty after a success."
    )

    class Meta:
        model = UnipileAccount
        fields = [
            "id",
            "user_id",
            "type",
            "status",
            "provider_account_id",
            "display_name",
            "profile_url",
            "is_premium",
            "has_sales_navigator",
            "weekly_connection_limit",
            "weekly_message_limit",
            "created_at",
            "updated_at",
            "refreshed_at",
            "live_checked_at",
            "last_tried_at",
            "last_error",
        ]
        read_only_fields = fields


# The column that is read for each key of a row.
_COLUMNS = {
    name: str(field.source) for name, field in AccountSerializer().fields.items() if name != "type"
}


class AccountsSerializer(serializers.Serializer[Any]):
    accounts = AccountSerializer(many=True)


class DisconnectedSerializer(serializers.Serializer[Any]):
    success = TrueField(help_text="Always true: an error has another status.")


_LIST = """\
The caller's accounts that are `connected` or `credentials_required`, oldest first, with what their
plans allow. A pure read that asks nobody else, so call it as often as you like: before a campaign,
and every 10 to 20 seconds while you wait for a new or a reconnected account.

Use an account's `id` as `accountId` in all other operations. With `credentials_required` go on with
`reconnectUnipileAccount`; for newer limits with `refreshUnipileAccount`.
"""
_DELETE = """\
Disconnects an account: it leaves the list, is not refreshed any more, and is deleted at Unipile.
The row stays, because campaigns and history hang on it. A second time it answers the same.

To undo it, use `reconnectUnipileAccount` with the same `accountId`.
"""


class AccountsEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="listUnipileAccounts",
        summary="List the caller's accounts",
        description=_LIST,
        tags=["unipile"],
        responses=AccountsSerializer,
    )
    @action(detail=False, methods=["get"], serializer_class=AccountsSerializer)
    def accounts(self, request: Request) -> Response:
        rows = self.get_queryset().listed().order_by("created_at", "pk")
        same = {"type": "linkedin", "user_id": str(request.user.pk)}
        # The serializer would write the same in three times the time.
        accounts = [
            dict(zip(_COLUMNS, row, strict=True)) | same
            for row in rows.values_list(*_COLUMNS.values())
        ]
        return Response({"accounts": accounts})

    @extend_schema(
        operation_id="deleteUnipileAccount",
        summary="Disconnect an account",
        description=_DELETE,
        tags=["unipile"],
        request=None,
        parameters=[
            OpenApiParameter(
                "accountId",
                ACCOUNT_ID_SCHEMA,
                required=True,
                description="UUID of the unipile_accounts row.",
            )
        ],
        responses={200: DisconnectedSerializer},
    )
    @accounts.mapping.delete
    def disconnect(self, request: Request) -> Response:
        # Of a name that comes twice, Django would keep the last value in silence.
        query = {
            name: values[0] if len(values) == 1 else values
            for name, values in request.query_params.lists()
        }
        serializer = AccountIdSerializer(data=query)
        serializer.is_valid(raise_exception=True)
        disconnect_account(
            self.get_queryset(),
            serializer.validated_data["accountId"],
            door=Door.API,
            user=request.user,
        )
        return Response(DisconnectedSerializer({}).data)

    # The other method of the route has no such codes.
    disconnect.error_codes = by_status("not_found") | {  # type: ignore[attr-defined]
        400: ["invalid", "required", "unipile_id", "unknown_field"]
    }
