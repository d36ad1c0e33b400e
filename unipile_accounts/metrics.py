"""What Prometheus is told of refreshes, events and Unipile; docs/metrics.md has all names."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REFRESHES = Counter(
    "unipile_refreshes",
    "Refreshes, by door, outcome and the code of why they failed.",
    ["door", "outcome", "code"],
)
CHANGES = Counter("unipile_account_changes", "Changes that refreshes have found.", ["field"])
EVENTS = Counter("unipile_events", "Events that Unipile has posted.", ["event"])
ANSWERS = Histogram(
    "unipile_answer_duration_seconds",
    "Seconds until Unipile's whole answer, by its status, or why there was none.",
    ["resource", "status"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
