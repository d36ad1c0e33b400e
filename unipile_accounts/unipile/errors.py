"""What an error of Unipile, or no answer at all, means for the caller.

The types are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid
and of https://developer.unipile.com/reference/linkedincontroller_search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import urllib3

from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileLoginLost,
    UnipileRateLimited,
    UnipileServerError,
    UnipileTimeout,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)

_LOGIN_TYPES = (
    "errors/captcha_not_supported",
    "errors/checkpoint_error",
    "errors/disconnected_account",
    "errors/expired_credentials",
    "errors/invalid_checkpoint_solution",
    "errors/invalid_credentials",
    "errors/wrong_account",
)
_TROUBLE_TYPES = (
    *_LOGIN_TYPES,
    "errors/account_mismatch",
    "errors/account_restricted",
    "errors/action_required",
    "errors/disconnected_feature",
    "errors/expired_link",
    "errors/feature_not_subscribed",
    "errors/insufficient_permissions",
    "errors/insufficient_privileges",
    "errors/invalid_credentials_but_valid_account_imap",
    "errors/invalid_imap_configuration",
    "errors/invalid_proxy_credentials",
    "errors/invalid_smtp_configuration",
    "errors/multiple_sessions",
    "errors/resource_access_restricted",
    "errors/session_mismatch",
    "errors/subscription_required",
    "errors/unknown_authentication_context",
)
_KEY_TYPES = ("errors/missing_credentials", "")


class _Rule(NamedTuple):
    statuses: Collection[int]
    types: Collection[str] | None
    error: type[UnipileError]


# The first rule that fits counts. Where none does, nothing is known but the status.
_ACCOUNT_RULES = (
    _Rule((404,), ("errors/resource_not_found",), UnipileAccountNotFound),
    _Rule((401,), _LOGIN_TYPES, UnipileLoginLost),
    _Rule((401, 403), _TROUBLE_TYPES, UnipileAccountUnavailable),
    _Rule((401, 403), _KEY_TYPES, UnipileAuthenticationError),
    _Rule((401, 403), None, UnipileAPIError),
)
_RULES = (
    _Rule(range(400), None, UnipileUnexpectedAnswer),
    _Rule((401, 403), None, UnipileAuthenticationError),
    _Rule((408,), None, UnipileServerError),
    _Rule((429,), None, UnipileRateLimited),
    _Rule((503,), None, UnipileUnavailable),
    _Rule(range(500, 1000), None, UnipileServerError),
    _Rule(range(1000), None, UnipileAPIError),
)


def error_of_answer(
    status: int, error_type: str, *, about: str, one_account: bool, retry_after: int | None
) -> UnipileError:
    """Return the error that this status and type of Unipile's stand for."""
    message = f"Unipile answered {status} {error_type}".rstrip() + f" for {about}."
    rules = _ACCOUNT_RULES + _RULES if one_account else _RULES
    error = next(
        rule.error
        for rule in rules
        if status in rule.statuses and (rule.types is None or error_type in rule.types)
    )
    return error(message, status_code=status, error_type=error_type, retry_after=retry_after)


def error_of_connection(exc: Exception, *, about: str) -> UnipileError:
    """Return the error that this trouble with a connection or with HTTP stands for."""
    causes = list(_causes(exc))
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return UnipileTimeout(f"Unipile gave no whole answer for {about} in time.")
    if isinstance(exc, urllib3.exceptions.DecodeError):
        return UnipileUnexpectedAnswer(f"Unipile's answer for {about} cannot be decoded.")
    if isinstance(exc, ValueError):
        # http.client's own, for a chunk of negative size.
        return UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not HTTP.")
    # Other exceptions' words may quote the answer.
    words = getattr(causes[-1], "strerror", None) or type(causes[-1]).__name__
    return UnipileUnavailable(f"No connection to Unipile for {about} ({words}).")


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc:
        yield exc
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
