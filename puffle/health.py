"""Answers about the database, and while it does not answer."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults

from puffle.api.errors import DatabaseUnavailable
from puffle.database import is_passing, takes_writes


class HealthMiddleware:
    """Answer `/healthz` for any host, because load balancers probe by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.rstrip("/") == "/healthz":
            return healthz()
        return self._get_response(request)


def healthz() -> JsonResponse:
    """Say whether the database answers and takes writes. Unipile's health is not ours."""
    if takes_writes(seconds=1):
        return JsonResponse({"database": "ok"})
    return JsonResponse({"database": "unavailable"}, status=503)


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell a database that does not answer, which passes, from a fault of ours."""
    if is_passing(sys.exc_info()[1]):
        return HttpResponse(
            DatabaseUnavailable.default_detail,
            status=DatabaseUnavailable.status_code,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(DatabaseUnavailable.wait)},
        )
    return defaults.server_error(request)
