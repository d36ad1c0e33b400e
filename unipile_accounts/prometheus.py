"""The door to Prometheus: what is read from the database when it asks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Min
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unipile_accounts.models import UnipileAccount


class LastPass(Collector):
    """Since when every account was tried; the command's own process nobody can ask."""

    def collect(self) -> Iterator[Metric]:
        try:
            oldest = UnipileAccount.objects.readable().aggregate(Min("last_tried_at"))
        except DatabaseError:
            # The page must tell the rest while the database does not answer.
            return
        if moment := oldest["last_tried_at__min"]:
            yield GaugeMetricFamily(
                "unipile_last_complete_pass_timestamp_seconds",
                "Every account that is not given up was tried since then.",
                value=moment.timestamp(),
            )

    def describe(self) -> list[Metric]:
        return []
