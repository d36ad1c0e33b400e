"""The error that an answer of Unipile's, or the lack of one, stands for.

The types are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid
and of https://developer.unipile.com/reference/linkedincontroller_search.
"""

from __future__ import annotations

import errno
import json
import re
import ssl
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from django.utils.http import parse_http_date
from requests.exceptions import ContentDecodingError, InvalidSchema, InvalidURL

from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileLoginLost,
    UnipileNotConfigured,
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


class _Rule(NamedTuple):
    statuses: Collection[int]
    types: Collection[str] | None
    error: type[UnipileError]


# The first rule that fits counts. Where none does, nothing is known but the status.
_ACCOUNT_RULES = (
    _Rule((404,), ("errors/resource_not_found",), UnipileAccountNotFound),
    _Rule((401,), _LOGIN_TYPES, UnipileLoginLost),
    _Rule((401, 403), _TROUBLE_TYPES, UnipileAccountUnavailable),
    _Rule((401, 403), ("errors/missing_credentials", ""), UnipileAuthenticationError),
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
    status: int, headers: Mapping[str, str], body: bytes, *, about: str, one_account: bool
) -> UnipileError:
    """Return the error that an answer with this status stands for."""
    error_type = _error_type(body)
    message = f"Unipile answered {status} {error_type}".rstrip() + f" for {about}."
    rules = _ACCOUNT_RULES + _RULES if one_account else _RULES
    error = next(
        rule.error
        for rule in rules
        if status in rule.statuses and (rule.types is None or error_type in rule.types)
    )
    seconds = _retry_after(headers)
    return error(message, status_code=status, error_type=error_type, retry_after=seconds)


def _error_type(body: bytes) -> str:
    """Return Unipile's error type, or nothing for a body that is not of Unipile's making."""
    with suppress(ValueError, RecursionError):
        match json.loads(body):
            case {"type": str(error_type)} if re.fullmatch(r"errors/[a-z_]{1,64}", error_type):
                return error_type
    return ""


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of a Retry-After header, which may be a number or a date."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = int(text) if text.isdigit() else parse_http_date(text) - time.time()
    except ValueError:
        return None
    return int(min(max(seconds, 1), 3600))


def error_of_connection(exc: Exception, *, about: str) -> UnipileError | UnipileNotConfigured:
    """Return the error that this trouble with a connection or with HTTP stands for."""
    if isinstance(exc, UnipileError | UnipileNotConfigured):
        return exc
    causes = list(_causes(exc))
    for cause in causes:
        if found := _for_good(cause):
            return UnipileNotConfigured(found[0], hint=found[1])
    first = causes[-1]
    # ETIMEDOUT is the kernel's word for a peer that is gone.
    if isinstance(first, TimeoutError) and first.errno != errno.ETIMEDOUT:
        return UnipileTimeout(f"Unipile gave no whole answer for {about} in time.")
    if isinstance(exc, ValueError | ContentDecodingError):
        return UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not HTTP.")
    # Other exceptions' words may quote the answer.
    words = getattr(first, "strerror", None) or type(first).__name__
    return UnipileUnavailable(f"No connection to Unipile for {about} ({words}).")


def _for_good(cause: BaseException) -> tuple[str, str] | None:
    """Return what the operator must mend and how, or None for a trouble that may pass."""
    match cause:
        case ssl.SSLCertVerificationError():
            message = f"A certificate towards Unipile is not trusted ({cause.verify_message})."
            return message, "Check UNIPILE_DSN, or name your own authority in REQUESTS_CA_BUNDLE."
        case InvalidURL() | InvalidSchema() | UnicodeError():
            message = "HTTPS_PROXY or UNIPILE_DSN is not an address."
            return message, "Write a proxy like http://proxy.example:3128."
        case OSError() if re.search("NO_CERTIFICATE|CA certificate bundle", str(cause)):
            message = "The file that REQUESTS_CA_BUNDLE names holds no certificates."
            return message, "Name a file of certificates, or leave it out."
    # http.client puts the status into the text only.
    refusal = re.match("Tunnel connection failed: (4(?!08|29)..)", str(cause))
    return refusal and (f"The proxy answered {refusal[1]}.", "Check HTTPS_PROXY and NO_PROXY.")


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from, down to the first one."""
    while exc:
        yield exc
        exc = exc.__context__ or exc.__cause__
