"""Prometheus' page, and what it shows of any site.

Names and units follow https://prometheus.io/docs/practices/naming/. No label holds an id.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.signals import request_finished
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

View = Callable[[HttpRequest], HttpResponseBase]
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
            shares_counts = "PROMETHEUS_MULTIPROC_DIR" in os.environ
            page = generate_latest(AllProcesses() if shares_counts else REGISTRY)
            return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)
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


class AllProcesses(Collector):
    """Add up the counts of all processes. One that was killed may leave an empty file."""

    def collect(self) -> Iterable[Metric]:
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db")
        counts = [str(file) for file in files if file.stat().st_size]
        merged: Iterable[Metric] = MultiProcessCollector.merge(counts)  # type: ignore[no-untyped-call]
        return merged


def _look_at_the_pool(**_: Any) -> None:
    pool = getattr(connection, "pool", None)
    if pool is None:
        return
    stats = pool.get_stats()
    idle = stats.get("pool_available", 0)
    POOL.labels(state="idle").set(idle)
    POOL.labels(state="in_use").set(stats.get("pool_size", 0) - idle)
    WAITING.set(stats.get("requests_waiting", 0))
