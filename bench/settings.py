"""The settings of production, with two more routes."""

from __future__ import annotations

from puffle.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
