"""The process's session with Unipile, with its open connections, its proxy and whom it trusts."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.conf import settings

_TCP_OPTIONS = {
    "TCP_NODELAY": 1,
    # The kernel asks idle connections for a sign of life (seconds).
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    # A slow server's kernel still acknowledges at once (milliseconds).
    "TCP_USER_TIMEOUT": 2000,
}


def new_session(base_url: str) -> requests.Session:
    """Return a session without connections."""
    new = _Session()
    # Without this, requests reads ~/.netrc and the environment for each question.
    new.trust_env = False
    new.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    new.mount(base_url, _Adapter(pool_maxsize=settings.UNIPILE_POOL_SIZE))
    if base_url.startswith("https:"):
        new.proxies, new.verify = environment(base_url)
    return new


@lru_cache(maxsize=1)
def environment(base_url: str) -> tuple[Any, Any]:
    """Return the proxies and the certificates that the environment names for this address."""
    found = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
    return found["proxies"], found["verify"]


@lru_cache(maxsize=1)
def session(base_url: str) -> requests.Session:
    """Return the session that all threads share."""
    return new_session(base_url)


# Two processes must not talk over one socket.
os.register_at_fork(after_in_child=session.cache_clear)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, because it would take the key to another address.

        With `allow_redirects=False` requests would still read the whole body of one.
        """


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, socket_options=_socket_options(), **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(*args, socket_options=_socket_options(), **kwargs)


def _socket_options() -> list[tuple[int, int, int]]:
    # Other systems than Linux lack some of them.
    known = [name for name in _TCP_OPTIONS if hasattr(socket, name)]
    tcp = [(socket.IPPROTO_TCP, getattr(socket, name), _TCP_OPTIONS[name]) for name in known]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *tcp]
