"""The OpenAPI document, with one component `Error` and the codes of each status."""

from __future__ import annotations

from typing import Any

from drf_spectacular import openapi
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_standardized_errors import openapi_utils
from rest_framework import serializers

from puffle.api.errors import DatabaseUnavailable, RequestTooLarge


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "puffle.api.authentication.JWTAuthentication"
    name = "bearer"


ERROR_TYPES = ["validation_error", "client_error", "server_error"]


class CandidateSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Send this in place of the name.")
    name = serializers.CharField(help_text="The whole name.")


class ErrorDetailSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="What went wrong, for programs.")
    detail = serializers.CharField(help_text="What went wrong, for people. It may change.")
    attr = serializers.CharField(
        allow_null=True, help_text="The field of the request that is wrong, or null."
    )
    candidates = CandidateSerializer(
        many=True,
        required=False,
        help_text="What a name may stand for, with `unknown_name` and `ambiguous_name` only.",
    )


class ErrorSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=ERROR_TYPES)
    errors = ErrorDetailSerializer(many=True)  # type: ignore[assignment]  # the name is the API's


# simplejwt's, and REST framework's for a request without a token.
OF_A_TOKEN = ["token_not_valid", "user_not_found", "user_inactive", "password_changed"]
_UNAUTHENTICATED = ["not_authenticated", *OF_A_TOKEN, "bad_authorization_header"]
_DESCRIPTIONS = {
    400: "The request is not valid.",
    401: "Not logged in.",
    404: "None of the caller's accounts has this id. List them with listUnipileAccounts.",
    406: "Only JSON is served.",
    409: "The account itself is in the way. Asking again does not help.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    429: "The caller's own limit is used up. Wait for Retry-After seconds.",
    502: "Unipile gave no usable answer.",
    503: "Try again later, after Retry-After seconds where it is given.",
    504: "Unipile gave no whole answer in time.",
}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Begins with Bearer."}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def without_trailing_slash(endpoints: list[tuple[str, Any, str, Any]]) -> list[Any]:
    """Show each address in the form of the public page, though both are served."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


class AutoSchema(openapi.AutoSchema):
    """Document each error of an operation, with its codes.

    A view's `error_codes` names those that only the view knows, by status.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            error = self.resolve_serializer(ErrorSerializer, "response").ref
            for status, codes in self._error_codes(has_body="requestBody" in operation).items():
                operation["responses"][str(status)] = _error_response(status, codes, error)
        return operation

    def _error_codes(self, *, has_body: bool) -> dict[int, list[str]]:
        action = getattr(self.view, getattr(self.view, "action", None) or "", None)
        own = getattr(action, "error_codes", None) or getattr(self.view, "error_codes", {})
        shared = {
            400: ["parse_error"],
            406: ["not_acceptable"],
            503: [DatabaseUnavailable.default_code],
        }
        if any(self.get_auth()):
            shared[401] = _UNAUTHENTICATED
        if getattr(self.view, "throttle_scope", None):
            shared[429] = ["throttled"]
        if has_body:
            others = {code for codes in own.values() for code in codes}
            shared[400] = [*sorted(self._field_codes() - others), "parse_error"]
            shared[413] = [RequestTooLarge.default_code]
            shared[415] = ["unsupported_media_type"]
        return {
            status: [*own.get(status, []), *shared.get(status, [])]
            for status in sorted({*own, *shared})
        }

    def _field_codes(self) -> set[str]:
        serializer: Any = self.get_request_serializer()
        fields = openapi_utils.get_flat_serializer_fields(serializer)
        described = openapi_utils.get_serializer_fields_with_error_codes(fields)
        return {code for field in described for code in field.error_codes}


def _error_response(status: int, codes: list[str], error: dict[str, str]) -> dict[str, Any]:
    # OpenAPI 3.1 lets a reference have company, and generated clients see one Error.
    schema = {
        **error,
        "properties": {
            "errors": {"items": {"properties": {"code": {"enum": list(dict.fromkeys(codes))}}}}
        },
    }
    code = "parse_error" if "parse_error" in codes else codes[0]
    sample = {
        "type": "server_error" if status >= 500 else "client_error",
        "errors": [{"code": code, "detail": _DESCRIPTIONS[status], "attr": None}],
    }
    response = {
        "description": _DESCRIPTIONS[status],
        "content": {"application/json": {"schema": schema, "example": sample}},
    }
    return response | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
