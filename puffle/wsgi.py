"""The WSGI application, which starts only with a configuration that can work."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers import wsgi
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils.http import parse_header_parameters

# What gunicorn takes as: do not try to start this again.
_CANNOT_START = 3


class Request(wsgi.WSGIRequest):
    """Django's, but all text is UTF-8.

    Django decodes the query with the character set that the client names for the body, and fails
    on some that Python knows, such as rot13, before any middleware is called.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(
            meta.get("CONTENT_TYPE", "")
        )


class Handler(wsgi.WSGIHandler):
    request_class = Request


def _start() -> Handler:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
    django.setup(set_prefix=False)
    call_command("check", stdout=io.StringIO())
    return Handler()


try:
    application = _start()
except (ImproperlyConfigured, SystemCheckError) as exc:
    # They say what to write instead, which a trace would bury.
    print(exc, file=sys.stderr)  # noqa: T201
    sys.exit(_CANNOT_START)
