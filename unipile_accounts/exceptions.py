"""Why a refresh did not happen, named by what the caller does next.

`str(exc)` is for logs and operators. Of an answer it holds the status and Unipile's error type, and
never the key. `exc.advice` is for the person who asked, and begins with `exc.meaning`.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

# Seconds before a second try of the same question.
AT_ONCE, AFTER_A_PAUSE = 0.25, 1.0


class UnipileError(Exception):
    """There is no verdict about the account.

    `retry` is the seconds after which the same question may be asked again, and None where that
    cannot help. `retry_after` is how many seconds Unipile told us to
    wait, and `wait` how many we tell the caller. `error_type` is Unipile's, or empty.
    """

    code: str = "unipile_error"
    meaning = "We could not read Unipile's answer. Nothing was changed."
    next_step = "Try again later. If it happens again, tell the operator."
    retry: float | None = None
    wait: int | None = None

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        error_type: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.error_type = error_type
        self.retry_after = retry_after
        if self.wait and retry_after:
            self.wait = retry_after

    @property
    def advice(self) -> str:
        return f"{self.meaning} {self.next_step}".strip()


class UnipileUnavailable(UnipileError):
    code = "unipile_unavailable"
    meaning = "Unipile cannot be reached right now. Nothing was changed."
    next_step = "Try again shortly."
    retry = AT_ONCE
    wait = 30


class UnipileTimeout(UnipileError):
    code = "unipile_timeout"
    meaning = "Unipile did not answer in time. Nothing was changed."
    next_step = "Try again shortly."
    retry = AFTER_A_PAUSE


class UnipileNotAsked(UnipileTimeout):
    """A run over many accounts ended before it came to this one."""

    meaning = "The time limit was reached before Unipile was asked."
    next_step = "Refresh the account again."


class UnipileUnexpectedAnswer(UnipileError):
    """A redirect, or a body that Unipile's API does not promise."""


class UnipileAPIError(UnipileError):
    """An error status."""


class UnipileServerError(UnipileAPIError):
    """A 5xx or a 408, after which the next try may well succeed."""

    retry = AT_ONCE


class UnipileAuthenticationError(UnipileAPIError):
    """Our key is refused. This says nothing about the customer's account."""

    code = "unipile_authentication"
    meaning = "Unipile refuses this service's API key. Nothing was changed."
    next_step = (
        "The operator must check UNIPILE_API_KEY and UNIPILE_DSN. A reconnect does not help."
    )


class UnipileRateLimited(UnipileAPIError):
    code = "unipile_rate_limited"
    meaning = "Unipile is rate limiting us. Nothing was changed."
    next_step = "Try again later."
    retry = AFTER_A_PAUSE
    wait = 60


class UnipileReconnectRequired(UnipileError):
    """The row is not connected, by what Unipile said last."""

    code = "reconnect_required"
    meaning = ""
    next_step = "Reconnect the account to LinkedIn, then refresh it again."


class UnipileAccountNotFound(UnipileAPIError, UnipileReconnectRequired):
    """Unipile does not have the account, if the workspace is ours."""


class UnipileLoginLost(UnipileAPIError, UnipileReconnectRequired):
    """Unipile has the account but is logged out of LinkedIn."""


class UnipileAccountUnavailable(UnipileError):
    """Unipile names a trouble of this one account that is not its login."""

    code = "account_unavailable"
    meaning = "LinkedIn is blocking this account, or does not tell its plan. Nothing was changed."
    next_step = "Check the account on LinkedIn and refresh again. If that fails, reconnect it."

    def __init__(self, message: str, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        if self.error_type:
            why = f"LinkedIn is blocking this account ({self.error_type}). Nothing was changed."
            self.meaning = why


class PlanNotTold(UnipileAccountUnavailable):
    """LinkedIn was asked for the plan, and answered without it."""

    meaning = "LinkedIn does not tell the account's plan now. Nothing was changed."
    next_step = "Ask it again in an hour. If that fails too, reconnect the account."


class UnipileAccountDisconnected(UnipileReconnectRequired):
    meaning = "The account is disconnected, so it was not read."
    next_step = "Reconnect it to LinkedIn first."


class UnipileAccountNotListed(UnipileError):
    """Unipile does not have the account, and the workspace may not be ours."""

    code = "unipile_account_not_listed"
    meaning = ""
    next_step = (
        "UNIPILE_DSN or UNIPILE_API_KEY may be another workspace's. Nothing was changed. The"
        " operator must check both. If they are right, the command with --confirm-gone marks what"
        " is gone. Or connect it anew: the same LinkedIn member gets the same row."
    )


class UnipileNotLinkedIn(UnipileError):
    code = "not_linkedin"
    meaning = "This Unipile account is not a LinkedIn account, so it has no premium status."
    next_step = "Connect a LinkedIn account instead."


class UnipilePremiumStatusPending(UnipileError):
    code = "premium_status_pending"
    meaning = "The account is still connecting, so its plan is not known yet."
    next_step = "Try again in a minute."
    wait = 60


class AccountLocked(UnipileError):
    code = "database_unavailable"
    meaning = "The account is locked in our database. Nothing was changed."
    next_step = "Try again shortly."
    wait = 5


class SalesNavigatorUnavailable(UnipileError):
    """LinkedIn refuses a Sales Navigator search to an account whose stored flag allows it."""

    code = "sales_navigator_unavailable"
    meaning = "LinkedIn refuses Sales Navigator to this account."
    next_step = 'Refresh it with "live": true. If that does not help, reconnect it.'


class UnipileNotConfigured(ImproperlyConfigured):
    """A setting is missing or wrong. No `UnipileError`, so nothing takes it for an answer."""

    code = "unipile_not_configured"
    wait = None
    advice = (
        "This service is not set up for Unipile. The operator must run manage.py check --deploy, or"
        " look in the log, where an error names the setting."
    )

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint
