from __future__ import annotations

import logging
from ipaddress import IPv6Address, ip_address
from typing import Any

from rest_framework import throttling
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class _RateThrottle(throttling.SimpleRateThrottle):
    """Lets a number of requests through in each window of time, exactly, in any shared cache.

    REST framework's own reads a list and writes it back, so of requests that come at one moment any
    number pass. Here each takes a place of its own with `cache.add()`, which all of Django's shared
    caches carry out as one step; `incr()` the database cache does not.
    """

    num_requests: int
    duration: int
    _seconds_left: float

    def get_rate(self) -> str | None:
        # At the moment of use, so that tests can override it.
        rates: Any = api_settings.DEFAULT_THROTTLE_RATES
        rate: str = rates[self.scope]
        return rate

    def allow_request(self, request: Request, view: APIView) -> bool:
        window, seconds = divmod(self.timer(), self.duration)
        self._seconds_left = self.duration - seconds
        try:
            return self._take_place(f"{self.get_cache_key(request, view)}_{window:.0f}")
        except Exception:
            # Whatever a cache of any kind raises: no limit for a while is better than no service.
            logger.exception("The cache does not answer: requests are not limited.")
            return True

    def _take_place(self, key: str) -> bool:
        # Where to look first; it may be behind, the places are what counts.
        place = self.cache.get(key, 0)
        while place < self.num_requests:
            place += 1
            if self.cache.add(f"{key}_{place}", 1, timeout=self.duration):
                self.cache.set(key, place, timeout=self.duration)
                return True
        return False

    def wait(self) -> float:
        return self._seconds_left


class UserRateThrottle(_RateThrottle):
    """Counts the requests of a user; the views that use it ask for a login."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


class AddressRateThrottle(_RateThrottle):
    """Counts the requests of an address, that of the client behind NUM_PROXIES proxies."""

    def get_cache_key(self, request: Request, view: APIView) -> str:
        network = _network(self.get_ident(request))
        return self.cache_format % {"scope": self.scope, "ident": network}


def _network(address: str | None) -> str:
    """Count IPv6 by /64: whoever has one address of it has them all."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        # A socket without addresses, or a proxy that writes the port too.
        return str(address)
    if isinstance(ip, IPv6Address) and not ip.ipv4_mapped:
        return f"{int(ip) >> 64:x}::"
    return str(getattr(ip, "ipv4_mapped", ip))
