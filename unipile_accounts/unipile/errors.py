"""The error that an answer of Unipile's, or the lack of one, stands for.

The types are those of https://developer.unipile.com/reference/accountscontroller_getaccountbyid
and of https://developer.unipile.com/reference/linkedincontroller_search.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

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
    "errors/invalid_proxy_credentials",
    "errors/multiple_sessions",
    "errors/resource_access_restricted",
    "errors/session_mismatch",
    "errors/subscription_required",
    "errors/unknown_authentication_context",
)


_Rule = tuple[Collection[int], Collection[str] | None, type[UnipileError]]

# The first rule whose status and type fit counts. Any type fits None.
_ACCOUNT_RULES: tuple[_Rule, ...] = (
    ((404,), ("errors/resource_not_found",), UnipileAccountNotFound),
    ((401,), _LOGIN_TYPES, UnipileLoginLost),
    ((401, 403), _TROUBLE_TYPES, UnipileAccountUnavailable),
    ((401, 403), ("errors/missing_credentials", ""), UnipileAuthenticationError),
    ((401, 403), None, UnipileAPIError),
)
_RULES: tuple[_Rule, ...] = (
    (range(400), None, UnipileUnexpectedAnswer),
    ((401, 403), None, UnipileAuthenticationError),
    ((408,), None, UnipileServerError),
    ((429,), None, UnipileRateLimited),
    ((503,), None, UnipileUnavailable),
    (range(500, 1000), None, UnipileServerError),
    (range(1000), None, UnipileAPIError),
)


def error_of_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, about: str, one_account: bool
) -> UnipileError:
    """Return the error that an answer with this status stands for."""
    error_type = _error_type(body)
    message = f"Unipile answered {status} {error_type}".rstrip() + f" for {about}."
    rules = _ACCOUNT_RULES + _RULES if one_account else _RULES
    error = next(
        error
        for statuses, types, error in rules
        if status in statuses and (types is None or error_type in types)
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
    """Return the seconds of a Retry-After header, an hour at most."""
    text = headers.get("Retry-After", "")
    return min(max(int(text), 1), 3600) if re.fullmatch("[0-9]{1,9}", text) else None


def error_of_connection(exc: Exception, *, about: str) -> UnipileError | UnipileNotConfigured:
    """Return the error that this trouble with a connection or with HTTP stands for."""
    if isinstance(exc, UnipileError | UnipileNotConfigured):
        return exc
    causes = list(_causes(exc))
    for cause in causes:
        if mistake := _mistake(cause):
            return mistake
    root = causes[-1]
    # ETIMEDOUT is the kernel's word for a peer that is gone.
    if isinstance(root, TimeoutError) and root.errno != errno.ETIMEDOUT:
        return UnipileTimeout(f"Unipile gave no whole answer for {about} in time.")
    if isinstance(exc, ValueError | ContentDecodingError):
        return UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not HTTP.")
    # Other exceptions' words may quote the answer.
    words = getattr(root, "strerror", None) or type(root).__name__
    hint = " Check the host in UNIPILE_DSN." if isinstance(root, socket.gaierror) else ""
    return UnipileUnavailable(f"No connection to Unipile for {about} ({words}).{hint}")


def _mistake(cause: BaseException) -> UnipileNotConfigured | None:
    """Return what the operator must mend, or None for a trouble that may pass."""
    match cause:
        case ssl.SSLCertVerificationError():
            message = f"A certificate towards Unipile is not trusted ({cause.verify_message})."
            hint = "Check UNIPILE_DSN, or name your own authority in REQUESTS_CA_BUNDLE."
        case InvalidURL() | InvalidSchema():
            message = "HTTPS_PROXY or UNIPILE_DSN is not an address."
            hint = "Write a proxy like http://proxy.example:3128."
        case OSError() if re.search("NO_CERTIFICATE|CA certificate bundle", str(cause)):
            message = "The file that REQUESTS_CA_BUNDLE names holds no certificates."
            hint = "Name a file of certificates, or leave it out."
        # http.client puts the status into the text only.
        case OSError() if refusal := re.match("Tunnel connection failed: (4..)", str(cause)):
            message = f"The proxy answered {refusal[1]}."
            hint = "Check HTTPS_PROXY and NO_PROXY."
        case _:
            return None
    return UnipileNotConfigured(message, hint=hint)


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from, down to the first one."""
    while exc:
        yield exc
        exc = exc.__context__ or exc.__cause__
