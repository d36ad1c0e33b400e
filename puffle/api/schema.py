"""How errors look in the OpenAPI document: one shape, with the codes that each status can carry."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from puffle.api.errors import DatabaseUnavailable
from puffle.api.parsers import RequestTooLarge


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "puffle.api.authentication.JWTAuthentication"
    name = "bearer"


PARSE_ERROR = ("client_error", "parse_error", "The request body is not valid JSON in UTF-8.")
THROTTLED = ("client_error", "throttled", "Request was throttled. Expected available in 9 seconds.")
DATABASE_UNAVAILABLE = (
    "server_error",
    DatabaseUnavailable.default_code,
    str(DatabaseUnavailable.default_detail),
)


def header(name: str, description: str, *statuses: int, **kwargs: Any) -> OpenApiParameter:
    """Describe a response header of these statuses."""
    return OpenApiParameter(
        name,
        kwargs.pop("type", str),
        OpenApiParameter.HEADER,
        description=description,
        response=list(statuses),
        **kwargs,
    )


def without_trailing_slash(endpoints: list[tuple[str, Any, str, Any]]) -> list[Any]:
    """Show each address in the form of the public page, though both are served."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


def errors(
    description: str, *cases: tuple[str, str, str], field: str | None = None
) -> OpenApiResponse:
    """Describe an error status by its cases: (type, code, an example of its detail)."""
    return OpenApiResponse(
        response=_schema(sorted({case[0] for case in cases}), [case[1] for case in cases]),
        description=description,
        examples=[
            OpenApiExample(
                code,
                value={
                    "type": kind,
                    "errors": [
                        {
                            "code": code,
                            "detail": detail,
                            "attr": field if kind == "validation_error" else None,
                        }
                    ],
                },
            )
            for kind, code, detail in cases
        ],
    )


def _schema(kinds: list[str], codes: list[str]) -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["code", "detail", "attr"],
        "properties": {
            "code": {"type": "string", "enum": list(dict.fromkeys(codes))},
            "detail": {"type": "string", "description": "For people; names the next step."},
            "attr": {
                "type": "string",
                "nullable": True,
                "description": "The field that is wrong, or null.",
            },
        },
    }
    return {
        "type": "object",
        "required": ["type", "errors"],
        "properties": {
            "type": {"type": "string", "enum": kinds},
            "errors": {"type": "array", "minItems": 1, "items": error},
        },
    }


ERROR_HEADERS = [
    header("WWW-Authenticate", "Always Bearer.", 401),
    header("Retry-After", "Seconds to wait.", 429, 503, type=int),
]
# What the negotiation and the parser can refuse any POST with: 406, 413 and 415.
NOT_ACCEPTABLE = errors(
    "Only JSON is served.",
    ("client_error", "not_acceptable", "Could not satisfy the request Accept header."),
)
TOO_LARGE = errors(
    "The body is too large.",
    ("client_error", RequestTooLarge.default_code, str(RequestTooLarge.default_detail)),
)
UNSUPPORTED = errors(
    "The body is not declared as JSON.",
    ("client_error", "unsupported_media_type", 'Unsupported media type "text/plain" in request.'),
)
