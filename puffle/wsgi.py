"""The WSGI application, which starts only with a configuration that can work."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

from puffle import checks, request_body

# Tells gunicorn not to start this again.
_CANNOT_START = 3


def _start() -> WSGIHandler:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
    handler = get_wsgi_application()
    if checks.check_hosts():
        raise ImproperlyConfigured(f"{checks.NO_HOSTS} {checks.NO_HOSTS_HINT}")
    call_command("check", stdout=io.StringIO())
    return handler


try:
    _handler = _start()
except (ImproperlyConfigured, SystemCheckError) as exc:
    # They say what to write instead, which a trace would bury.
    print(exc, file=sys.stderr)  # noqa: T201
    sys.exit(_CANNOT_START)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    request_body.prepare(environ)
    return _handler(environ, start_response)
