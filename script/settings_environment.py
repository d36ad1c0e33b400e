"""The environment for a Django that ignores the settings of this machine."""

from __future__ import annotations

import os
import re

# PG* names some other server.
_SETTINGS = re.compile(
    r"(ACCESS_TOKEN|ALLOWED_HOSTS|CACHE_|CSRF_|DATABASE_|DEBUG$|DJANGO_|GUNICORN_|HSTS_|HTTPS$"
    r"|LOG_JSON$|METRICS$|NUM_PROXIES|PG|PUBLIC_URL$|REFRESH_TOKEN|SECRET_KEY|THROTTLE_|TIME_ZONE$"
    r"|UNIPILE_|WEB_CONCURRENCY$)"
)
_LOOPBACK = "127.0.0.1,localhost"


def isolated(**settings: str) -> dict[str, str]:
    """Return this environment with the given settings instead of its own and of `.env`."""
    inherited = {name: text for name, text in os.environ.items() if not _SETTINGS.match(name)}
    return {**inherited, "ENV_FILE": os.devnull, **no_proxy(), **settings}


def isolate(**settings: str) -> None:
    """Change the environment of this process in the same way."""
    environment = isolated(**settings)
    os.environ.clear()
    os.environ.update(environment)


def no_proxy() -> dict[str, str]:
    """Keep requests to this machine away from an HTTP proxy."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = f"{given},{_LOOPBACK}" if given else _LOOPBACK
    return {"no_proxy": hosts, "NO_PROXY": hosts}
