"""How to live with a database, and with a cache, that does not answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.db import Error, InterfaceError, OperationalError, connection, transaction

logger = logging.getLogger(__name__)

# Read-only since a failover, or ended for idling in a transaction.
_PASSING = {"25006", "25P03", "25P04"}
# One question at a time, so that a database that hangs costs one thread.
_PROBE = ThreadPoolExecutor(1, thread_name_prefix="database-probe")


def is_passing(error: BaseException | None) -> bool:
    """Tell a database that is locked, restarting or out of reach from a fault of ours."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and getattr(error.__cause__, "sqlstate", None) in _PASSING


def takes_writes(*, seconds: float) -> bool:
    """Ask whether the database answers in time and takes writes."""
    answer = _PROBE.submit(_lock_nothing)
    try:
        return answer.result(seconds)
    except TimeoutError:
        answer.cancel()
        return False


def _lock_nothing() -> bool:
    try:
        with transaction.atomic():
            # A replica and a read-only database refuse to lock, even where no row is found.
            get_user_model().objects.select_for_update().filter(pk=0).first()
    except Error:
        return False
    finally:
        connection.close()
    return True


def give_connection_back() -> None:
    """Let others use our database connection while we do something slow."""
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def tolerating_a_dead_cache() -> Iterator[None]:
    """Leave the block, with an entry in the log, when the cache does not answer.

    The cache only counts, and no limit for a while is better than no service. A cache that hangs
    keeps no database connection from others.
    """
    give_connection_back()
    try:
        yield
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        logger.error("The cache does not answer, so requests are not limited: %r", exc)  # noqa: TRY400
