from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase


class ZeroByteMiddleware:
    """Refuse a zero byte in a query of the admin, where filters are columns of the database.

    PostgreSQL can neither store nor compare such a text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/admin/") and "%00" in request.META["QUERY_STRING"]:
            return HttpResponseBadRequest("A query cannot hold a zero byte.")
        return self._get_response(request)
