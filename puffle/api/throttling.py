from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, cast

from django.http import HttpRequest
from rest_framework import throttling
from rest_framework.request import Request

from puffle.stores import tolerating_a_dead_cache


class RateThrottle(throttling.ScopedRateThrottle):
    """Count requests in fixed windows with `cache.incr()`, so that a shared cache counts exactly.

    REST framework's own reads a list and writes it back, so simultaneous requests slip through.
    """

    _seconds_left: float

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = getattr(view, self.scope_attr, None)
        if self.scope is None:
            return True
        most, duration = cast("tuple[int, int]", self.parse_rate(self.get_rate()))
        window, seconds = divmod(self.timer(), duration)
        self._seconds_left = duration - seconds
        key = f"{self.get_cache_key(request, view)}_{window:.0f}"
        requests = 0
        with tolerating_a_dead_cache():
            self.cache.add(key, 0, timeout=duration)
            requests = self.cache.incr(key)
        return requests <= most

    def wait(self) -> float:
        return self._seconds_left

    def get_ident(self, request: Request) -> str:
        """Name the client of a request without a user."""
        return str(client_network(request))


def client_address(request: HttpRequest | Request) -> str | None:
    # REST framework believes our own proxies only, and each of them appends an address.
    return throttling.BaseThrottle().get_ident(cast("Request", request))


def client_network(request: HttpRequest | Request) -> str | None:
    """Return what counts as one client, which is an IPv4 address or the /64 of an IPv6 one."""
    try:
        ip = ip_address(client_address(request) or "")
    except ValueError:
        # A socket has no address.
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    size = 64 if ip.version == 6 else 32
    return str(ip_network((ip, size), strict=False).network_address)
