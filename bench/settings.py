"""The settings of production, with more views to compare with."""

from __future__ import annotations

from puffle.settings import *  # noqa: F403

ROOT_URLCONF = "bench.views"
