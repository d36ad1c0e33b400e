"""`POST /api/unipile/refresh`: re-read one account from Unipile."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from puffle.api.throttling import RateThrottle
from unipile_accounts.api import texts
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import ASKING, by_status
from unipile_accounts.api.fields import AccountIdSerializer, TrueField, WeeklyLimitField
from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account


class LiveThrottle(RateThrottle):
    """Count live requests only, besides the ordinary limit."""

    scope_attr = "live_throttle_scope"

    def allow_request(self, request: Request, view: APIView) -> bool:
        body = cast("object", request.data)
        is_live = isinstance(body, dict) and bool(body.get("live"))
        return not is_live or super().allow_request(request, view)


class RefreshSerializer(AccountIdSerializer):
    # Clients made from a schema with `default` would have to send it.
    live = serializers.BooleanField(required=False, help_text=texts.LIVE)


class ChangedSerializer(serializers.Serializer[Any]):
    is_premium = serializers.BooleanField()
    has_sales_navigator = serializers.BooleanField()


# It only describes the answer. To make it, DRF would build all fields anew each time.
class RefreshResponseSerializer(serializers.Serializer[Any]):
    success = TrueField(help_text=texts.SUCCESS)
    is_premium = serializers.BooleanField(help_text=texts.IS_PREMIUM)
    has_sales_navigator = serializers.BooleanField(help_text=texts.HAS_SALES_NAVIGATOR)
    weekly_connection_limit = WeeklyLimitField(help_text=texts.CONNECTION_LIMIT)
    weekly_message_limit = WeeklyLimitField(help_text=texts.MESSAGE_LIMIT)
    changed = ChangedSerializer(help_text=texts.CHANGED)


class RefreshEndpoint(CallersAccounts):
    live_throttle_scope = "live"

    @extend_schema(
        operation_id="refreshUnipileAccount",
        summary="Refresh a Unipile account's premium status",
        description=texts.REFRESH,
        examples=texts.REFRESH_EXAMPLES,
        responses=OpenApiResponse(RefreshResponseSerializer, description=texts.REFRESHED),
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=RefreshSerializer,
        throttle_classes=[RateThrottle, LiveThrottle],
        throttle_scope="refresh",
        error_codes=by_status("unknown_field", *ASKING, "premium_status_pending"),
    )
    def refresh(self, request: Request) -> Response:
        body = self.validated()
        result = refresh_account(
            self.get_queryset(),
            body["accountId"],
            door=Door.API,
            user=request.user,
            live=body.get("live", False),
        )
        plan = {name: getattr(result.account, name) for name in PLAN_COLUMNS}
        flags = ("is_premium", "has_sales_navigator")
        changed = {name: name in result.changes for name in flags}
        return Response({"success": True, **plan, "changed": changed})
