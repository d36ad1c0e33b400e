"""The settings of production, with routes of views to compare with."""

from __future__ import annotations

from puffle.settings import *  # noqa: F403

ROOT_URLCONF = "bench.views"
