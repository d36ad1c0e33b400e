"""The address of a client, the same one in limits and in the log."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

# Some proxies write the port too, as in 203.0.113.8:40001 or [2001:db8::9]:40001.
_WITH_PORT = re.compile(r"\[(?P<v6>[^]]*)\](:\d+)?|(?P<v4>[\d.]+):\d+")


def client_address(request: HttpRequest | Request) -> str:
    """Return the client's address without a port, as the first of our `NUM_PROXIES` saw it."""
    # REST framework believes our own proxies only, and each of them appends an address.
    address = BaseThrottle().get_ident(cast("Request", request)) or ""
    found = _WITH_PORT.fullmatch(address)
    return (found["v6"] or found["v4"] or "") if found else address


def client_network(request: HttpRequest | Request) -> str | None:
    """Return what counts as one client, which is an IPv4 address or the /64 of an IPv6 one."""
    ip = _parse(client_address(request))
    if isinstance(ip, IPv6Address):
        return str(IPv6Address(int(ip) >> 64 << 64))
    return str(ip) if ip else None


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(address)
    except ValueError:
        # A socket without addresses, or a proxy that writes something else.
        return None
    return getattr(ip, "ipv4_mapped", None) or ip
