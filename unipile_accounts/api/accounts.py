"""`GET` and `DELETE /api/unipile/accounts`: list the caller's accounts, and disconnect one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from unipile_accounts.api import texts
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import by_status
from unipile_accounts.api.fields import (
    AccountIdSerializer,
    KnownFieldsSerializer,
    TrueField,
    WeeklyLimitField,
    one_of,
)
from unipile_accounts.limits import FREE
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import disconnect_account


class AccountSerializer(serializers.Serializer[UnipileAccount]):
    id = serializers.UUIDField()
    user_id = serializers.CharField(help_text="The owner, who is the caller.")
    type = serializers.SerializerMethodField(help_text="Always linkedin.")
    status = serializers.ChoiceField(
        choices=UnipileAccount.Status.values,
        help_text="credentials_required means that the LinkedIn login is lost.",
    )
    provider_account_id = serializers.CharField(
        source="unipile_account_id", help_text="Unipile's id. No endpoint here takes it."
    )
    display_name = serializers.CharField(source="name")
    profile_url = serializers.CharField(help_text="At LinkedIn; empty where it is not known.")
    is_premium = serializers.BooleanField()
    has_sales_navigator = serializers.BooleanField()
    weekly_connection_limit = WeeklyLimitField(help_text="Invitations that may go out in a week.")
    weekly_message_limit = WeeklyLimitField(help_text="Messages that may go out in a week.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    refreshed_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the plan was read. Null means that it is not known, and free is shown.",
    )
    live_checked_at = serializers.DateTimeField(
        allow_null=True, help_text="When LinkedIn named the plan; null: it is Unipile's copy."
    )
    last_tried_at = serializers.DateTimeField(
        allow_null=True, help_text="When a refresh was tried last, by anybody."
    )
    last_error = serializers.CharField(
        help_text="The code of why that refresh failed; empty after a success."
    )

    def get_type(self, row: UnipileAccount) -> str:
        return "linkedin"

    def to_representation(self, instance: UnipileAccount) -> dict[str, Any]:
        """Show the free plan where none is known."""
        shown = super().to_representation(instance)
        return shown if instance.plan else {**shown, **FREE.columns}


class ListFilterSerializer(KnownFieldsSerializer):
    status = one_of(
        ["all"],
        required=False,
        help_text="`all` shows disconnected accounts too, so that one can be reconnected.",
    )


class AccountsSerializer(serializers.Serializer[Any]):
    accounts = AccountSerializer(many=True)


class DisconnectedSerializer(serializers.Serializer[Any]):
    success = TrueField(help_text=texts.SUCCESS)


class AccountsEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="listUnipileAccounts",
        summary="List the caller's accounts",
        description=texts.LIST,
        parameters=[ListFilterSerializer],
        responses=AccountsSerializer,
    )
    @action(detail=False, methods=["get"], error_codes={400: ["invalid_choice", "unknown_field"]})
    def accounts(self, request: Request) -> Response:
        # A form would take an empty value for none.
        filters = ListFilterSerializer(data=request.query_params.dict())
        filters.is_valid(raise_exception=True)
        rows = self.get_queryset().order_by("created_at", "pk")
        if not filters.validated_data:
            rows = rows.exclude(status=UnipileAccount.Status.DISCONNECTED)
        return Response(AccountsSerializer({"accounts": rows}).data)

    @extend_schema(
        operation_id="deleteUnipileAccount",
        summary="Disconnect an account",
        description=texts.DELETE,
        request=None,
        parameters=[AccountIdSerializer],
        responses={200: DisconnectedSerializer},
    )
    @accounts.mapping.delete
    def disconnect(self, request: Request) -> Response:
        # Of two ids Django would keep the last in silence. Together they are no id.
        query = {name: ",".join(values) for name, values in request.query_params.lists()}
        serializer = AccountIdSerializer(data=query)
        serializer.is_valid(raise_exception=True)
        disconnect_account(
            self.get_queryset(),
            serializer.validated_data["accountId"],
            door=Door.API,
            user=request.user,
        )
        return Response({"success": True})

    # The other method of the route has no such codes.
    disconnect.error_codes = by_status("not_found") | {  # type: ignore[attr-defined]
        400: ["invalid", "required", "unipile_id", "unknown_field"]
    }
