"""Domain error -> HTTP."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, NotFound

from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileError,
    UnipileLoginLost,
    UnipileNotConfigured,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileRateLimited,
    UnipileReconnectRequired,
    UnipileTimeout,
    UnipileUnavailable,
)

# A class that is not here has the status of its nearest ancestor.
_STATUS: dict[type[Exception], int] = {
    UnipileError: 502,
    UnipileReconnectRequired: 409,
    UnipileAccountNotFound: 409,
    UnipileAccountUnavailable: 409,
    UnipileLoginLost: 409,
    AccountLocked: 503,
    UnipileNotLinkedIn: 409,
    UnipilePremiumStatusPending: 503,
    UnipileRateLimited: 503,
    UnipileUnavailable: 503,
    UnipileTimeout: 504,
    UnipileNotConfigured: 503,
}
# Seconds in Retry-After where Unipile named none.
_WAIT: dict[type[Exception], int] = {
    UnipilePremiumStatusPending: 60,
    UnipileRateLimited: 60,
    UnipileUnavailable: 30,
}


class RefreshFailed(APIException):
    def __init__(self, error: UnipileError | UnipileNotConfigured) -> None:
        super().__init__(str(error.advice), error.code)
        self.status_code = next(_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS)
        self.wait = getattr(error, "retry_after", None) or _WAIT.get(type(error))


class AccountNotFound(NotFound):
    default_detail = _(
        "You have no account with this id. Send the id of one of your own rows of unipile_accounts."
    )
