"""What is said once when the server starts."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection

from puffle import __version__

logger = logging.getLogger(__name__)


def log_start(*, addresses: list[str], processes: int, threads: int, **more: str) -> None:
    """Leave one entry that says what is served and with what, without any secret."""
    served = {
        "version": __version__,
        "addresses": addresses,
        "processes": processes,
        "threads": threads,
        "database": _database(),
        "cache": settings.CACHES["default"]["BACKEND"].rpartition(".")[2],
        "proxies": settings.NUM_PROXIES,
        "https": settings.HTTPS,
        **more,
    }
    logger.info(
        "Puffle %s: %s",
        __version__,
        ", ".join(f"{name} {value}" for name, value in served.items() if name != "version"),
        extra=served,
    )


def _database() -> str:
    database = connection.settings_dict
    host = database["HOST"] or database["OPTIONS"].get("host") or "this machine"
    return f"{connection.vendor} {database['NAME']} at {host}"
