"""Why a refresh did not happen, named by what the caller does next.

`str(exc)` is for logs and operators: it names the account and the status, never the key, nor
anything of an answer's body but Unipile's error type. `exc.advice` is for the person who asked.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_RECONNECT = _("Reconnect the account to LinkedIn, then refresh it again.")


class UnipileError(Exception):
    """Unipile gave no usable answer about the account.

    `retryable` says whether trying again can help, `retry_after` when Unipile told us (seconds).
    `account_status` is what the error proves about the account: the row's new status, or None.
    """

    code: str = "unipile_error"
    advice: str | Promise = _(
        "Unipile gave an answer that cannot be used. Nothing was changed. Try again later, and"
        " tell the operator if it stays like this."
    )
    retryable: bool = False
    account_status: str | None = None

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnipileUnavailable(UnipileError):
    """No connection, or a 503."""

    code = "unipile_unavailable"
    advice = _("Unipile cannot be reached right now. Nothing was changed. Try again shortly.")
    retryable = True


class UnipileTimeout(UnipileError):
    """No whole answer before the deadline."""

    code = "unipile_timeout"
    advice = _("Unipile did not answer in time. Nothing was changed. Try again shortly.")
    retryable = True


class UnipileNotAsked(UnipileTimeout):
    """A run over many accounts ended before it came to this one."""

    advice = _("The time was over before Unipile was asked. Nothing was changed. Refresh it again.")


class UnipileUnexpectedAnswer(UnipileError):
    """A redirect, or a body that Unipile's API does not promise."""


class UnipileAPIError(UnipileError):
    """An error status; `error_type` is Unipile's, such as `errors/provider_error`, or empty."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        error_type: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status_code = status_code
        self.error_type = error_type
        self.retryable = status_code >= 500 or status_code in (408, 429)


class UnipileAuthenticationError(UnipileAPIError):
    """Our key is refused. This says nothing about the customer's account."""

    code = "unipile_authentication"
    advice = _(
        "Unipile refuses this service's API key. Nothing was changed. The operator must check"
        " UNIPILE_API_KEY and UNIPILE_DSN; reconnecting the account does not help."
    )


class UnipileRateLimited(UnipileAPIError):
    code = "unipile_rate_limited"
    advice = _("Unipile takes no more requests right now. Nothing was changed. Try again later.")


class UnipileAccountNotFound(UnipileAPIError):
    """Unipile no longer has the account."""

    code = "reconnect_required"
    advice = _RECONNECT
    account_status = "disconnected"


class UnipileLoginLost(UnipileError):
    """Unipile has the account but is logged out of LinkedIn."""

    code = "reconnect_required"
    advice = _RECONNECT
    account_status = "credentials_required"


class UnipileAccountDisconnected(UnipileError):
    """The row is `disconnected`, so Unipile was not asked."""

    code = "reconnect_required"
    advice = _("The account is disconnected, so it was not read. Reconnect it to LinkedIn first.")


class UnipileAccountNotListed(UnipileError):
    """In a bulk pass so many accounts are missing from Unipile's list that none was asked for."""

    code = "unipile_account_not_listed"
    advice = _(
        "UNIPILE_DSN or UNIPILE_API_KEY may belong to another workspace. Nothing was changed. If"
        " the accounts are gone indeed, run the command with --confirm-gone."
    )


class UnipileNotLinkedIn(UnipileError):
    code = "not_linkedin"
    advice = _(
        "This Unipile account is not a LinkedIn account, so it has no premium status. Connect a"
        " LinkedIn account instead."
    )


class UnipilePremiumStatusPending(UnipileError):
    """The account is still connecting: its premium status is not known yet."""

    code = "premium_status_pending"
    advice = _(
        "The account is still connecting, so its premium status is not known yet. Nothing was"
        " changed. Try again in a minute."
    )
    retryable = True


class UnipileNotConfigured(ImproperlyConfigured):
    """UNIPILE_* settings are missing or wrong.

    Outside the tree, so that tolerating a bad answer never hides a bad deployment.
    """

    code = "unipile_not_configured"
    advice = _(
        "This service is not set up to talk to Unipile. The operator must run manage.py check."
    )

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint
