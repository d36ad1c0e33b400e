"""What the OpenAPI document says of `POST /api/unipile/refresh`: every outcome and its code."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from puffle.api import schema
from unipile_accounts import exceptions as domain
from unipile_accounts.api.errors import AccountNotFound
from unipile_accounts.api.serializers import (
    AccountIdField,
    RefreshRequestSerializer,
    RefreshResponseSerializer,
)

_DESCRIPTION = """\
Cheap, idempotent, no OAuth round-trip. Fetches the account from Unipile and writes back `name`,
`profile_url`, `is_premium`, `has_sales_navigator`, `weekly_connection_limit` and
`weekly_message_limit`. `changed` is a per-field diff against the row as it was before: useful for
deciding whether to notify the user. Of several refreshes after one upgrade, exactly one reports it.

**Use it** when the user has just added Premium or Sales Navigator, or to pick up new weekly limits
before a campaign is launched. **Reconnect the account instead** on `reconnect_required`, or when
`changed.has_sales_navigator` stays false although the user insists: Unipile may need fresh cookies.

Safe to call repeatedly, but don't poll: account state changes are infrequent. After an error the
stored flags and limits are as they were.
"""


def _case(kind: str, error: type[domain.UnipileError | domain.UnipileNotConfigured]) -> Any:
    return kind, error.code, str(error.advice)


_INVALID = AccountIdField.default_error_messages

REFRESH: dict[str, Any] = {
    "operation_id": "refreshUnipileAccount",
    "summary": "Refresh a Unipile account's premium status",
    "description": _DESCRIPTION,
    "tags": ["unipile"],
    "request": RefreshRequestSerializer,
    "parameters": schema.ERROR_HEADERS,
    "examples": [
        OpenApiExample(
            "Refresh one account",
            value={"accountId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"},
            request_only=True,
        )
    ],
    "responses": {
        200: OpenApiResponse(
            RefreshResponseSerializer,
            description="Account refreshed. Response reflects the post-refresh state of the row.",
            examples=[
                OpenApiExample(
                    "Sales Navigator was added",
                    value={
                        "success": True,
                        "is_premium": True,
                        "has_sales_navigator": True,
                        "weekly_connection_limit": 100,
                        "weekly_message_limit": 150,
                        "changed": {"is_premium": False, "has_sales_navigator": True},
                    },
                )
            ],
        ),
        400: schema.errors(
            "The body is not valid.",
            ("validation_error", "invalid", str(_INVALID["invalid"])),
            ("validation_error", "unipile_id", str(_INVALID["unipile_id"])),
            ("validation_error", "required", "This field is required."),
            ("validation_error", "null", "This field may not be null."),
            schema.PARSE_ERROR,
            field="accountId",
        ),
        401: schema.errors(
            "No token, a bad or expired one, or that of an inactive user.",
            (
                "client_error",
                "not_authenticated",
                "Authentication credentials were not provided.",
            ),
            ("client_error", "token_not_valid", "Token is expired"),
            ("client_error", "user_not_found", "User not found"),
            ("client_error", "user_inactive", "User is inactive"),
            ("client_error", "password_changed", "The user's password has been changed."),
            (
                "client_error",
                "bad_authorization_header",
                "Authorization header must contain two space-delimited values",
            ),
        ),
        404: schema.errors(
            "No account of the caller's has this id.",
            ("client_error", "not_found", str(AccountNotFound.default_detail)),
        ),
        406: schema.NOT_ACCEPTABLE,
        409: schema.errors(
            "The account itself is in the way; asking again does not help.",
            _case("client_error", domain.UnipileLoginLost),
            _case("client_error", domain.UnipileNotLinkedIn),
        ),
        413: schema.TOO_LARGE,
        415: schema.UNSUPPORTED,
        429: schema.errors("The caller's own limit is used up.", schema.THROTTLED),
        502: schema.errors(
            "Unipile gave no usable answer.",
            _case("server_error", domain.UnipileError),
            _case("server_error", domain.UnipileAuthenticationError),
        ),
        503: schema.errors(
            "Try again later, after Retry-After where it is given.",
            _case("server_error", domain.UnipileUnavailable),
            _case("server_error", domain.UnipileRateLimited),
            _case("server_error", domain.UnipilePremiumStatusPending),
            _case("server_error", domain.UnipileNotConfigured),
            schema.DATABASE_UNAVAILABLE,
        ),
        504: schema.errors(
            "Unipile gave no whole answer in time.",
            _case("server_error", domain.UnipileTimeout),
        ),
    },
}
