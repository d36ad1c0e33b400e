"""`POST /api/unipile/connect` and `/reconnect`: a link on which a person logs in to LinkedIn."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from unipile_accounts.api import texts
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import LINKING, by_status
from unipile_accounts.api.fields import AccountIdSerializer
from unipile_accounts.services import create_connect_link, create_reconnect_link


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(
        help_text="Unipile's page. Works once, for an hour, in a browser, and not in a frame."
    )


class ConnectEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="connectUnipileAccount",
        summary="Make a link to connect a LinkedIn account",
        description=texts.CONNECT,
        request=None,
        responses=LinkSerializer,
    )
    @action(
        detail=False, methods=["post"], throttle_scope="connect", error_codes=by_status(*LINKING)
    )
    def connect(self, request: Request) -> Response:
        return Response({"url": create_connect_link(request.user)})

    @extend_schema(
        operation_id="reconnectUnipileAccount",
        summary="Make a link to reconnect an account",
        description=texts.RECONNECT,
        responses=LinkSerializer,
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=AccountIdSerializer,
        throttle_scope="connect",
        error_codes=by_status(
            "unknown_field",
            "not_found",
            "account_unavailable",
            "unipile_account_not_listed",
            *LINKING,
        ),
    )
    def reconnect(self, request: Request) -> Response:
        account_id = self.validated()["accountId"]
        return Response({"url": create_reconnect_link(self.get_queryset(), account_id)})
