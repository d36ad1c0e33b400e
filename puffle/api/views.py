from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt import views as simplejwt

from puffle.api import schema
from puffle.api.authentication import TokenRefreshSerializer
from puffle.api.errors import DatabaseUnavailable
from puffle.api.throttling import AddressRateThrottle

_TOKEN_ERRORS = {
    400: schema.errors(
        "The body is not valid.",
        ("validation_error", "required", "This field is required."),
        ("validation_error", "null", "This field may not be null."),
        ("validation_error", "blank", "This field may not be blank."),
        ("validation_error", "invalid", "Not a valid string."),
        (
            "validation_error",
            "null_characters_not_allowed",
            "Null characters are not allowed.",
        ),
        (
            "validation_error",
            "surrogate_characters_not_allowed",
            "Surrogate characters are not allowed: U+D83D.",
        ),
        schema.PARSE_ERROR,
        field="username",
    ),
    406: schema.NOT_ACCEPTABLE,
    413: schema.TOO_LARGE,
    415: schema.UNSUPPORTED,
    429: schema.errors("Too many requests from this address.", schema.THROTTLED),
    503: schema.errors("Try again shortly.", schema.DATABASE_UNAVAILABLE),
}


class TokenThrottle(AddressRateThrottle):
    scope = "token"


class TokenView(simplejwt.TokenObtainPairView):
    throttle_classes = [TokenThrottle]

    @extend_schema(
        operation_id="obtainToken",
        summary="Exchange a username and password for an access and a refresh token",
        description="Send the access token as `Authorization: Bearer <token>`.",
        tags=["token"],
        auth=[],
        parameters=schema.ERROR_HEADERS,
        responses={
            200: simplejwt.TokenObtainPairView().get_serializer_class(),
            401: schema.errors(
                "Wrong username or password, or an inactive user.",
                (
                    "client_error",
                    "no_active_account",
                    "No active account found with the given credentials",
                ),
            ),
            **_TOKEN_ERRORS,
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)


class TokenRefreshView(simplejwt.TokenRefreshView):
    throttle_classes = [TokenThrottle]
    serializer_class = TokenRefreshSerializer

    @extend_schema(
        operation_id="refreshToken",
        summary="Exchange a refresh token for a new access token",
        description="For when the access token has expired.",
        tags=["token"],
        auth=[],
        parameters=schema.ERROR_HEADERS,
        responses={
            200: TokenRefreshSerializer,
            401: schema.errors(
                "The token is expired, forged, of another kind, or of a user who may not log in.",
                ("client_error", "token_not_valid", "Token is expired"),
                (
                    "client_error",
                    "no_active_account",
                    "No active account found for the given token.",
                ),
            ),
            **_TOKEN_ERRORS,
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)


class SchemaView(SpectacularAPIView):
    authentication_classes = ()


class DocsView(SpectacularSwaggerView):
    authentication_classes = ()


class UnknownRouteView(APIView):
    """Every other address below /api/, so that errors have one shape there."""

    schema = None
    authentication_classes = ()
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such address. GET /api/docs lists those there are.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell a database that does not answer, which passes, from a fault of ours."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(
            DatabaseUnavailable.default_detail,
            status=DatabaseUnavailable.status_code,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(DatabaseUnavailable.wait)},
        )
    return defaults.server_error(request)


def healthz(request: HttpRequest) -> JsonResponse:
    """Say whether the database answers; Unipile's health is not ours."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "unavailable"}, status=503)
    return JsonResponse({"database": "ok"})
