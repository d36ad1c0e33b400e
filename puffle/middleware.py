from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from puffle.addresses import client_address
from puffle.logging import request_id, user_id

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestLogMiddleware:
    """Give each request an id, the caller's if it is well formed, and leave a log entry of it.

    The path is logged without its query, which is the caller's to fill. Static files leave none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        given = _WELL_FORMED.fullmatch(request.headers.get(HEADER, ""))
        # The id stays until the thread's next request, for what Django logs after the middleware.
        request_id.set(given[0] if given else uuid.uuid4().hex)
        user_id.set(None)
        response = self._get_response(request)
        response.headers[HEADER] = request_id.get() or ""
        if not request.path.startswith(settings.STATIC_URL):
            _log(request, response, seconds=time.monotonic() - started)
        return response


def _log(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    logger.info(
        "%s %s %s",
        request.method,
        request.path,
        response.status_code,
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000),
            "address": client_address(request),
        },
    )
