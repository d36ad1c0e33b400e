"""What a refresh leaves behind besides the row: a log entry, metrics and a signal."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from unipile_accounts import metrics
from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileReconnectRequired,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Origin, RefreshResult
from unipile_accounts.signals import account_refreshed

# Dashboards know this name, which is not the module's.
logger = logging.getLogger("unipile_accounts.services")

# What an account's owner mends, and what the operator mends. Anything else is Unipile's trouble.
_OWNERS = (UnipileReconnectRequired, UnipileNotLinkedIn, UnipilePremiumStatusPending)
_OPERATORS = (UnipileAuthenticationError, UnipileNotConfigured)
_NOT_OURS = UnipileAccount.DoesNotExist


def publish(results: list[RefreshResult], origin: Origin, **extra: Any) -> None:
    """Log results, and send the signal for those that were stored."""
    count(results, origin)
    for result in results:
        # A single refresh has a duration, and is always worth its entry.
        if result.error or result.changes or extra:
            _log(
                log_level(result.error),
                result.account.pk,
                origin,
                outcome=result.outcome,
                error=result.error,
                changed=sorted(result.changes),
                **extra,
            )
        if result.stored:
            account_refreshed.send_robust(
                sender=UnipileAccount,
                account=result.account,
                changes=result.changes,
                door=origin.door,
            )


def count(results: list[RefreshResult], origin: Origin) -> None:
    outcomes = Counter((result.outcome, _code(result.error)) for result in results)
    for (outcome, code), number in outcomes.items():
        metrics.REFRESHES.labels(origin.door.value, outcome, code).inc(number)
    for name, number in Counter(name for result in results for name in result.changes).items():
        metrics.CHANGES.labels(name).inc(number)


def log_failure(error: Exception, pk: UUID, origin: Origin, **extra: Any) -> None:
    """Leave an entry of a refresh that brought no result."""
    metrics.REFRESHES.labels(origin.door.value, "failed", _code(error)).inc()
    _log(log_level(error), pk, origin, outcome="failed", error=error, changed=[], **extra)


def _log(
    level: int, pk: UUID, origin: Origin, *, outcome: str, error: Exception | None, **extra: Any
) -> None:
    # Other errors than ours may quote what a customer sent.
    reason = error if hasattr(error, "advice") else _code(error)
    logger.log(
        level,
        "Account %s %s%s",
        pk,
        outcome,
        f": {reason}" if error else "",
        extra={
            "door": origin.door.value,
            "account": str(pk),
            "user": origin.user.pk if origin.user else None,
            "outcome": outcome,
            "code": _code(error) or None,
            **extra,
        },
    )


def _code(error: Exception | None) -> str:
    if isinstance(error, _NOT_OURS):
        return "not_found"
    return (getattr(error, "code", "") or type(error).__name__) if error else ""


@contextmanager
def failure_logged(what: str, **extra: Any) -> Iterator[None]:
    """Leave one entry of what Unipile, or a setting, keeps from being done."""
    try:
        yield
    except (UnipileError, UnipileNotConfigured) as exc:
        logger.log(log_level(exc), "%s: %s", what, exc, extra={"code": exc.code, **extra})
        raise


def log_level(error: Exception | None) -> int:
    if error is None or isinstance(error, (*_OWNERS, _NOT_OURS)):
        return logging.INFO
    return logging.ERROR if isinstance(error, _OPERATORS) else logging.WARNING
