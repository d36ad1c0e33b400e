"""The bound on every wait for PostgreSQL, in the one place that all waits go through."""

from __future__ import annotations

import contextlib
import math
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from psycopg.abc import PQGen

T = TypeVar("T")

# Seconds to tell the server that nobody waits for its answer any more.
_CANCEL = 1.0
# The server goes down or became a read-only replica, so its connection is useless.
_USELESS = ("08", "53", "57P", "25006", "25P03", "25P04")


class BoundedConnection(psycopg.Connection[Any]):
    """Waits `DATABASE_TIMEOUT` seconds for an answer, also that a lock is free, then closes.

    A timeout set in the server would not do: pgbouncer refuses `options`, and a server that is
    stopped or out of reach keeps no time.
    """

    _is_checked = False

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        bound = timeout or settings.DATABASE_TIMEOUT or None
        try:
            return super().wait(gen, interval, bound)
        except psycopg.errors._WaitTimeout as exc:  # noqa: SLF001  # what wait() raises
            self._give_up()
            raise psycopg.OperationalError(f"No answer within {bound:g} seconds.") from exc
        except psycopg.Error as exc:
            if exc.sqlstate and exc.sqlstate.startswith(_USELESS):
                self.close()
            raise

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        """Only the pool comes here, to check the connection before it hands it out."""
        self._is_checked = True
        try:
            return super().execute(*args, **kwargs)
        finally:
            self._is_checked = False

    def _give_up(self) -> None:
        # A check leaves nothing in the server that goes on.
        if not self._is_checked:
            with contextlib.suppress(psycopg.Error):
                self.cancel_safe(timeout=_CANCEL)
        self.close()


def connection_parameters(timeout: float) -> dict[str, Any]:
    """Return libpq's part of the bound: connecting, and a network that has gone silent."""
    if not timeout:
        return {}
    return {
        # libpq takes whole seconds, and no fewer than 2.
        "connect_timeout": max(2, math.ceil(timeout)),
        "tcp_user_timeout": round(timeout * 1000),
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
