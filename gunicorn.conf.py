"""How gunicorn serves this project. `gunicorn puffle.wsgi` reads this file by itself."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
try:
    logconfig_dict = settings.LOGGING
except ImproperlyConfigured as exc:
    print(exc, file=sys.stderr)  # noqa: T201
    # gunicorn does not start again after this status.
    sys.exit(3)

# A refresh holds a thread while it waits for Unipile, and processes share requests unevenly.
# One process alone must let 64 of them wait and still answer others.
worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = 100
# Read the settings once, so that a mistake in them is named once and stops the start.
preload_app = True
# Finish the requests that are running.
graceful_timeout = math.ceil(settings.UNIPILE_TIMEOUT + 3 * settings.DATABASE_TIMEOUT) + 5
# The control socket would be a file in the working directory, and nothing uses it.
control_socket_disable = True


# The processes keep their counts in this folder, so that each can show those of all.
# A server that this one starts (USR2) inherits the variable and needs a folder of its own.
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
