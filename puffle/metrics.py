"""Prometheus' page, and what it shows of any site.

Names and units follow https://prometheus.io/docs/practices/naming/. No label holds an id.
"""

from __future__ import annotations

import os
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.signals import request_finished
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from puffle.middleware import View

_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Seconds of a request, by the pattern of its route.",
    ["route", "method", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
POOL = Gauge(
    "database_pool_connections",
    "Connections of the pools: in use, or idle.",
    ["state"],
    multiprocess_mode="livesum",
)
WAITING = Gauge(
    "database_pool_waiting_requests",
    "Requests that wait for a connection.",
    multiprocess_mode="livesum",
)


def middleware(get_response: View) -> View:
    """Answer `/metrics` before anything looks at the host, and time all other requests."""
    if not settings.METRICS:
        raise MiddlewareNotUsed
    request_finished.connect(_look_at_the_pool)

    def respond(request: HttpRequest) -> HttpResponseBase:
        # Prometheus asks us directly. Whatever passed the proxy comes from outside.
        if request.path == "/metrics" and "X-Forwarded-For" not in request.headers:
            registry = REGISTRY
            if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
                # The counts of all processes.
                registry = CollectorRegistry()
                MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        started = time.monotonic()
        response = get_response(request)
        match = request.resolver_match
        REQUESTS.labels(
            route=f"/{match.route}" if match else "none",
            method=request.method if request.method in _METHODS else "other",
            status=response.status_code,
        ).observe(time.monotonic() - started)
        return response

    return respond


def _look_at_the_pool(**_: Any) -> None:
    pool = getattr(connection, "pool", None)
    if pool is None:
        return
    stats = pool.get_stats()
    idle = stats.get("pool_available", 0)
    POOL.labels(state="idle").set(idle)
    POOL.labels(state="in_use").set(stats.get("pool_size", 0) - idle)
    WAITING.set(stats.get("requests_waiting", 0))
