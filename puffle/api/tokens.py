"""`POST /api/token` and `POST /api/token/refresh`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.response import Response
from rest_framework_simplejwt import serializers as simplejwt_serializers
from rest_framework_simplejwt import views as simplejwt

from puffle.api.authentication import JWTAuthentication
from puffle.api.schema import OF_A_TOKEN
from puffle.login import seconds_locked


class AccessTokenSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer <access>`.")


class TokenPairSerializer(AccessTokenSerializer):
    refresh = serializers.CharField(help_text="Exchange it when the access token has expired.")


# Docstrings of these would be public, as descriptions of bodies.
class TokenObtainPairSerializer(simplejwt_serializers.TokenObtainPairSerializer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A password may begin or end with a space.
        password: Any = self.fields["password"]
        password.trim_whitespace = False

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        tokens = super().validate(attrs)
        # Axes forgets the failures before a login.
        user_logged_in.send(type(self.user), request=self.context["request"], user=self.user)
        return tokens


class TokenRefreshSerializer(simplejwt_serializers.TokenRefreshSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        # simplejwt itself asks only at the next request whether the password was changed.
        JWTAuthentication().get_user(self.token_class(attrs["refresh"]))
        return super().validate(attrs)


@extend_schema_view(
    post=extend_schema(
        operation_id="obtainToken",
        summary="Exchange a username and password for an access and a refresh token",
        description="For a start, and when the refresh token has expired.",
        tags=["token"],
        responses=OpenApiResponse(TokenPairSerializer, description="Both tokens."),
    )
)
class TokenView(simplejwt.TokenObtainPairView):
    throttle_scope = "token"
    serializer_class = TokenObtainPairSerializer
    error_codes = {401: ["no_active_account"]}

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, AuthenticationFailed) and getattr(
            self.request, "axes_locked_out", False
        ):
            exc = Throttled(seconds_locked(self.request), "Too many failed logins.")
        return super().handle_exception(exc)


@extend_schema_view(
    post=extend_schema(
        operation_id="refreshToken",
        summary="Exchange a refresh token for a new access token",
        description="For when the access token has expired. The refresh token stays the same.",
        tags=["token"],
        responses=OpenApiResponse(AccessTokenSerializer, description="The new token."),
    )
)
class TokenRefreshView(simplejwt.TokenRefreshView):
    throttle_scope = "token"
    serializer_class = TokenRefreshSerializer
    error_codes = {401: [*OF_A_TOKEN, "no_active_account"]}
