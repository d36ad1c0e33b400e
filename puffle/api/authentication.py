from __future__ import annotations

from typing import Any

from rest_framework_simplejwt import authentication
from rest_framework_simplejwt.tokens import Token

from puffle.logging import user_id


class JWTAuthentication(authentication.JWTAuthentication):
    """simplejwt's, which names the user in the log too."""

    def get_user(self, validated_token: Token) -> Any:
        user = super().get_user(validated_token)
        user_id.set(user.pk)
        return user

    def get_raw_token(self, header: bytes) -> bytes | None:
        # The scheme is written in any case (RFC 9110, section 11.1).
        scheme, _, token = header.strip().partition(b" ")
        return super().get_raw_token(b" ".join([scheme.capitalize(), token]))
