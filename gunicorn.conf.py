"""How gunicorn serves this project; `gunicorn puffle.wsgi` reads it by itself."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileNotConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
try:
    logconfig_dict = settings.LOGGING
except ImproperlyConfigured as exc:
    print(exc, file=sys.stderr)  # noqa: T201
    sys.exit(3)


def _longest_request() -> int:
    try:
        seconds = conf.unipile_timeout
    except UnipileNotConfigured:
        # The checks at the start name it.
        seconds = 0
    return math.ceil(seconds + 3 * settings.DATABASE_TIMEOUT)


# Each refresh holds a thread while it waits for Unipile, and connections are not shared out evenly:
# one process alone must be able to let 64 of them wait and still answer others.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 100
# Read the settings once, so that a mistake in them is told once and stops the start.
preload_app = True
# What was begun is finished.
graceful_timeout = _longest_request() + 5
# Nothing of ours is asked over it, and it would be a file in the working directory.
control_socket_disable = True


# The processes keep their counts there, so that each can tell those of all. Another server that
# this one starts (USR2) inherits the variable and needs a folder of its own.
_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = f"puffle-metrics-{os.getpid()}-"
if settings.METRICS and _PREFIX not in os.environ.get(_COUNTS, ""):
    os.environ[_COUNTS] = tempfile.mkdtemp(prefix=_PREFIX)


def child_exit(server: Any, worker: Any) -> None:
    if settings.METRICS:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    if settings.METRICS:
        shutil.rmtree(os.environ[_COUNTS], ignore_errors=True)


def when_ready(server: Any) -> None:
    from puffle.serving import log_start  # noqa: PLC0415  # Django is set up only now

    log_start(
        addresses=[str(listener) for listener in server.LISTENERS],
        processes=server.cfg.workers,
        threads=server.cfg.threads,
        unipile=_unipile(),
    )


def _unipile() -> str:
    try:
        return conf.unipile_dsn.base_url
    except UnipileNotConfigured:
        return "not configured"
