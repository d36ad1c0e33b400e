"""What is said while the database does not answer."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError, connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from puffle.api.errors import DatabaseUnavailable


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell a database that does not answer, which passes, from a fault of ours."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(
            DatabaseUnavailable.default_detail,
            status=DatabaseUnavailable.status_code,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(DatabaseUnavailable.wait)},
        )
    return defaults.server_error(request)


def healthz(request: HttpRequest) -> JsonResponse:
    """Say whether the database answers; Unipile's health is not ours."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "unavailable"}, status=503)
    return JsonResponse({"database": "ok"})
