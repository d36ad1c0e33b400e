"""What the site knows of its database's troubles."""

from __future__ import annotations

from django.db import Error, InterfaceError, OperationalError, connection, transaction

# Read-only since a failover, or ended for idling in a transaction.
_PASSING = {"25006", "25P03", "25P04"}


def is_passing(error: BaseException | None) -> bool:
    """Tell a database that is locked, restarting or out of reach from a fault of ours."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, Error) and getattr(error.__cause__, "sqlstate", None) in _PASSING


def takes_writes() -> bool:
    """Ask whether the database answers, and whether it is no replica and not read-only."""
    try:
        if connection.vendor == "postgresql":
            return _is_primary()
        with transaction.atomic():
            # SQLite takes the lock of a writer here.
            return True
    except Error:
        return False


def _is_primary() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
        row: tuple[bool, str] = cursor.fetchone()
    return row == (False, "off")


def give_connection_back() -> None:
    """Let others use our database connection while we do something slow."""
    if not connection.in_atomic_block:
        connection.close()
