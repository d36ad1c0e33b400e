"""Domain error -> HTTP: one table, by the code that clients hold on to."""

from __future__ import annotations

from collections import defaultdict

from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as InvalidFields
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound, ValidationError
from rest_framework.fields import get_error_detail

from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount

_STATUS = {
    "unknown_field": 400,
    "unknown_name": 400,
    "ambiguous_name": 400,
    "unknown_id": 400,
    "invalid_cursor": 400,
    "not_found": 404,
    "reconnect_required": 409,
    "account_unavailable": 409,
    "not_linkedin": 409,
    "sales_navigator_unavailable": 409,
    "unipile_error": 502,
    "unipile_authentication": 502,
    "unipile_account_not_listed": 502,
    "premium_status_pending": 503,
    "unipile_rate_limited": 503,
    "unipile_unavailable": 503,
    "unipile_not_configured": 503,
    "database_unavailable": 503,
    "unipile_timeout": 504,
}
# Unipile can refuse a link like this.
LINKING = (
    "unipile_error",
    "unipile_authentication",
    "unipile_rate_limited",
    "unipile_unavailable",
    "unipile_not_configured",
    "unipile_timeout",
)
# Any question that is put to Unipile about an account can end like this.
ASKING = (
    "not_found",
    "reconnect_required",
    "account_unavailable",
    "not_linkedin",
    *LINKING,
    "unipile_account_not_listed",
)


class UnipileFailed(APIException):
    def __init__(self, error: UnipileError | UnipileNotConfigured) -> None:
        super().__init__(error.advice, error.code)
        self.status_code = _STATUS[error.code]
        self.wait = error.wait


def as_api_error(exc: Exception) -> Exception:
    """Return what the API answers instead of a domain error; other errors come back as they are."""
    match exc:
        case UnipileAccount.DoesNotExist():
            return NotFound(
                "None of your accounts has this id. List them with GET /api/unipile/accounts."
            )
        case ObjectDoesNotExist():
            # Only a user can be gone otherwise, while Unipile was asked.
            return AuthenticationFailed(code="user_not_found")
        case UnipileError() | UnipileNotConfigured():
            return UnipileFailed(exc)
        case InvalidFields():
            invalid = ValidationError(get_error_detail(exc))
            # What a name in a search may stand for.
            invalid.candidates = getattr(exc, "candidates", None)  # type: ignore[attr-defined]
            return invalid
    return exc


def by_status(*codes: str) -> dict[int, list[str]]:
    """Group codes for a view's `error_codes`, from which the schema is made."""
    grouped = defaultdict(list)
    for code in codes:
        grouped[_STATUS[code]].append(code)
    return grouped
