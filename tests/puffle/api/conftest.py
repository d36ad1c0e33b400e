from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.contrib.auth.models import User
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from unipile_accounts.api.refresh import RefreshThrottle

NOON = 1_800_000_000.0


def count_passes(user: User, *, threads: int, tries: int) -> int:
    """Let threads ask the refresh throttle at one moment, and count those it lets through."""
    request: Any = APIRequestFactory().post("/api/unipile/refresh")
    request.user = user
    barrier = Barrier(threads)

    def ask(_: int) -> int:
        barrier.wait(30)
        return sum(RefreshThrottle().allow_request(request, APIView()) for _ in range(tries))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(ask, range(threads)))
