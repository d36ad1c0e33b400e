"""`POST /api/unipile/refresh`: re-read one account from Unipile."""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from puffle.api.throttling import UserRateThrottle
from unipile_accounts.api import texts
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import ASKING, by_status
from unipile_accounts.api.fields import (
    AccountIdSerializer,
    StrictBooleanField,
    TrueField,
    WeeklyLimitField,
)
from unipile_accounts.limits import FREE, PREMIUM
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_account


class RefreshThrottle(UserRateThrottle):
    scope = "refresh"


class LiveThrottle(UserRateThrottle):
    """Count live requests only, besides the ordinary limit."""

    scope = "live"

    def allow_request(self, request: Request, view: APIView) -> bool:
        body = cast("object", request.data)
        is_live = isinstance(body, dict) and body.get("live") is True
        return not is_live or super().allow_request(request, view)


class RefreshSerializer(AccountIdSerializer):
    # Clients made from a schema with `default` would have to send it.
    live = StrictBooleanField(
        required=False,
        help_text=_(
            "Ask LinkedIn itself for the plan too. Slower, and allowed a few times an hour only."
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"live": False} | super().validate(attrs)


class ChangedField(serializers.BooleanField):
    """Tells whether the refresh changed the field of this name."""

    def get_attribute(self, instance: RefreshResult) -> bool:
        return self.field_name in instance.changes


class ChangedSerializer(serializers.Serializer[RefreshResult]):
    is_premium = ChangedField()
    has_sales_navigator = ChangedField()


class RefreshResponseSerializer(serializers.Serializer[RefreshResult]):
    success = TrueField(help_text="Always true: an error has another status.")
    is_premium = serializers.BooleanField(
        source="account.is_premium",
        help_text="True if the LinkedIn account has any premium feature or a premiumId.",
    )
    has_sales_navigator = serializers.BooleanField(
        source="account.has_sales_navigator",
        help_text="True if the account has the sales_navigator premium feature.",
    )
    weekly_connection_limit = WeeklyLimitField(
        source="account.weekly_connection_limit",
        help_text=(
            "Weekly connection-request cap after refresh."
            f" Premium accounts get {PREMIUM.weekly_connection_limit},"
            f" free get {FREE.weekly_connection_limit}."
        ),
    )
    weekly_message_limit = WeeklyLimitField(
        source="account.weekly_message_limit",
        help_text=(
            "Weekly message cap after refresh."
            f" Premium accounts get {PREMIUM.weekly_message_limit},"
            f" free get {FREE.weekly_message_limit}."
        ),
    )
    changed = ChangedSerializer(
        source="*",
        help_text=(
            "Per-field diff versus the previously stored row. Both false means nothing changed."
        ),
    )


class RefreshEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="refreshUnipileAccount",
        summary="Refresh a Unipile account's premium status",
        description=texts.REFRESH,
        tags=["unipile"],
        examples=[
            OpenApiExample(
                "Refresh one account",
                value={"accountId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"},
                request_only=True,
            ),
            OpenApiExample(
                "Ask LinkedIn itself",
                value={"accountId": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "live": True},
                request_only=True,
            ),
        ],
        responses=OpenApiResponse(
            RefreshResponseSerializer,
            description="Account refreshed. Response reflects the post-refresh state of the row.",
            examples=[OpenApiExample("Sales Navigator was added", value=texts.REFRESHED)],
        ),
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=RefreshSerializer,
        throttle_classes=[RefreshThrottle, LiveThrottle],
        error_codes=by_status("unknown_field", *ASKING, "premium_status_pending"),
    )
    def refresh(self, request: Request) -> Response:
        body = self.validated()
        result = refresh_account(
            self.get_queryset(),
            body["accountId"],
            door=Door.API,
            user=request.user,
            live=body["live"],
        )
        return Response(RefreshResponseSerializer(result).data)
