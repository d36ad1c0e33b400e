"""`POST /api/unipile/connect` and `/reconnect`: a link on which a person logs in to LinkedIn."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from puffle.api.throttling import UserRateThrottle
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import LINKING, by_status
from unipile_accounts.api.fields import AccountIdSerializer
from unipile_accounts.services import create_connect_link, create_reconnect_link


class ConnectThrottle(UserRateThrottle):
    scope = "connect"


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(
        help_text="Unipile's page. Works once, for an hour, in a browser, and not in a frame."
    )


_CONNECT = """\
Makes a link to Unipile's page, on which a person logs in to LinkedIn. Show it to the user, to be
opened in a browser; do not open it yourself. Then poll `listUnipileAccounts` every 10 to 20 seconds
until a new account is there. Calling it twice is harmless: each link stands for itself.

**Use it** for an account that is not connected yet. For one that lost its login or was
disconnected, use `reconnectUnipileAccount`, which keeps its id and history. After an upgrade of the
plan no new login is needed: use `refreshUnipileAccount`.
"""
_RECONNECT = """\
Makes a link on which the owner of an account logs in to LinkedIn again. The account keeps its id,
its history and the campaigns that use it. Show the link to the user, then poll
`listUnipileAccounts` until the account is `connected`.

**Use it** when an account is `credentials_required`, after it was disconnected, on
`reconnect_required`, or when the plan still looks wrong after a refresh with `"live": true`.
"""


class ConnectEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="connectUnipileAccount",
        summary="Make a link to connect a LinkedIn account",
        description=_CONNECT,
        tags=["unipile"],
        request=None,
        responses=LinkSerializer,
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=LinkSerializer,
        throttle_classes=[ConnectThrottle],
        error_codes=by_status(*LINKING),
    )
    def connect(self, request: Request) -> Response:
        return Response({"url": create_connect_link(request.user)})

    @extend_schema(
        operation_id="reconnectUnipileAccount",
        summary="Make a link to reconnect an account",
        description=_RECONNECT,
        tags=["unipile"],
        responses=LinkSerializer,
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=AccountIdSerializer,
        throttle_classes=[ConnectThrottle],
        error_codes=by_status("unknown_field", "not_found", "account_unavailable", *LINKING),
    )
    def reconnect(self, request: Request) -> Response:
        account_id = self.validated()["accountId"]
        return Response({"url": create_reconnect_link(self.get_queryset(), account_id)})
