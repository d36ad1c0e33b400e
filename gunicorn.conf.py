"""How gunicorn serves this project; `gunicorn puffle.wsgi` reads it by itself."""

from __future__ import annotations

import os

from puffle.logging import configuration

# Each refresh holds a thread while it waits for Unipile, and connections are not shared out evenly:
# one process alone must be able to let 64 of them wait and still answer others.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 100
# Read the settings once, so that a mistake in them is told once and stops the start.
preload_app = True
# What was begun is finished: longer than UNIPILE_TIMEOUT.
graceful_timeout = 20
# Nothing of ours is asked over it, and it would be a file in the working directory.
control_socket_disable = True
logconfig_dict = configuration(as_json=True)
