"""Transactions that lock rows, and give their connection back while others hold them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

from unipile_accounts.exceptions import AccountLocked
from unipile_accounts.services.refreshing.ask import give_connection_back

_T = TypeVar("_T")

# How long a row that somebody holds is waited for, and the pause between two looks, in seconds.
PATIENCE = 3.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.05
_LOCK_NOT_AVAILABLE = "55P03"


def in_one_transaction(work: Callable[[], _T]) -> _T:
    """Run work that locks its rows with `nowait`, again and again while somebody holds one.

    Waiting in the database would keep a connection for each waiter, until none is left for other
    customers. Raises `AccountLocked` after `PATIENCE`.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic(durable=True):
                return work()
        except OperationalError as exc:
            if getattr(exc.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() >= deadline:
                raise AccountLocked("The account is locked in the database.") from exc
        give_connection_back()
        time.sleep(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))  # noqa: S311  # spreads tries
