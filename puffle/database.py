from __future__ import annotations

from django.db import connection


def give_connection_back() -> None:
    """Let others use our database connection while we do something slow."""
    if not connection.in_atomic_block:
        connection.close()
