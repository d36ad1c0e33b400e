"""What happens to a request before Django looks at it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase, JsonResponse

from puffle.api.throttling import client_address
from puffle.logging import request_id, user_id
from puffle.stores import takes_writes

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")

View = Callable[[HttpRequest], HttpResponseBase]


def request_log(get_response: View) -> View:
    """Give each request an id, the caller's if it is well formed, and leave a log entry of it.

    The path is logged without its query, which is the caller's to fill. Static files leave none.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        given = _WELL_FORMED.fullmatch(request.headers.get(HEADER, ""))
        # The id stays until the thread's next request, for what Django logs after the middleware.
        request_id.set(given[0] if given else uuid.uuid4().hex)
        user_id.set(None)
        response = get_response(request)
        response.headers[HEADER] = request_id.get() or ""
        if not request.path.startswith(settings.STATIC_URL):
            entry = {
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "milliseconds": round((time.monotonic() - started) * 1000),
                "address": client_address(request),
            }
            logger.info("%(method)s %(path)s %(status)s", entry, extra=entry)
        return response

    return respond


def health(get_response: View) -> View:
    """Answer `/healthz` for any host, because load balancers probe by address.

    It says whether the database answers and takes writes. Unipile's health is not ours.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        if request.path.rstrip("/") != "/healthz":
            return get_response(request)
        if takes_writes(seconds=1):
            return JsonResponse({"database": "ok"})
        return JsonResponse({"database": "unavailable"}, status=503)

    return respond


def zero_bytes(get_response: View) -> View:
    """Refuse a zero byte in a query of the admin, where filters are columns of the database.

    PostgreSQL can neither store nor compare such a text.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/admin/") and "%00" in request.META["QUERY_STRING"]:
            return HttpResponseBadRequest("A query cannot hold a zero byte.")
        return get_response(request)

    return respond
