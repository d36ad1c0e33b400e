"""Writes that wait for locked rows without holding a connection to the database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError, transaction

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import AccountLocked

_T = TypeVar("_T")

# How long a row that somebody holds is waited for, in seconds.
LOCK_WAIT = 3.0
_LOCK_NOT_AVAILABLE = "55P03"
# Tries of a transaction whose decision somebody has overtaken.
_TRIES = 3


def patiently(work: Callable[[], _T], *, in_transaction: bool = True) -> _T:
    """Run work in a transaction of its own, again and again while somebody holds one of its rows.

    PostgreSQL's `lock_timeout` ends each try, so that waiting writers leave connections to others.
    Raises `AccountLocked` after `LOCK_WAIT`.
    """
    if in_transaction:
        work = transaction.atomic(durable=True)(work)
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            return work()
        except OperationalError as exc:
            if getattr(exc.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() >= deadline:
                raise AccountLocked("The account is locked in the database.") from exc
        give_connection_back()
        time.sleep(random.uniform(0.01, 0.05))  # noqa: S311  # spreads tries


def decide_again(work: Callable[[], _T]) -> _T:
    """Run a transaction, and again where somebody was quicker with the same login."""
    for _ in range(_TRIES):
        try:
            return patiently(work)
        except IntegrityError as exc:
            quicker = exc
    raise AccountLocked("The login is just being written by others.") from quicker
