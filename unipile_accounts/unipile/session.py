"""The process's session with Unipile: its open connections, its proxy, whom it trusts."""

from __future__ import annotations

import functools
import os
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from urllib3.util import create_urllib3_context, make_headers, parse_url

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileNotConfigured
from unipile_accounts.unipile.connections import Connection, SecureConnection


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = SecureConnection


@functools.lru_cache(maxsize=1)
def session(base_url: str) -> urllib3.HTTPConnectionPool:
    """Return the connections to this address, which all threads share.

    The environment's proxy and certificates are read once. Raises `UnipileNotConfigured`.
    """
    pools = _pool_manager(base_url)
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return pools.connection_from_url(base_url)


def close_session() -> None:
    session.cache_clear()


# Two processes must not talk over one socket.
os.register_at_fork(after_in_child=close_session)


def _pool_manager(base_url: str) -> urllib3.PoolManager:
    size = conf.unipile_pool_size
    if base_url.startswith("http:"):
        return urllib3.PoolManager(maxsize=size, retries=False)
    trust = _trust()
    proxy = _proxy(base_url)
    if not proxy:
        return urllib3.PoolManager(maxsize=size, retries=False, ssl_context=trust)
    address = parse_url(proxy)
    login = make_headers(proxy_basic_auth=unquote(address.auth)) if address.auth else None
    return urllib3.ProxyManager(
        proxy,
        maxsize=size,
        retries=False,
        ssl_context=trust,
        proxy_headers=login,
        proxy_ssl_context=trust,
    )


def _trust() -> ssl.SSLContext:
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    path = Path(bundle or certifi.where())
    context = create_urllib3_context()
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as exc:
        raise UnipileNotConfigured(
            f"{path} holds no certificates.",
            hint="Name a file of certificates in REQUESTS_CA_BUNDLE, or leave it out.",
        ) from exc
    return context


def _proxy(base_url: str) -> str | None:
    """Return the address of the environment's proxy for Unipile, if there is one."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(urlsplit(base_url).netloc):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        address = parse_url(proxy)
    except urllib3.exceptions.LocationParseError:
        address = None
    if not address or not address.host or address.scheme not in ("http", "https"):
        raise UnipileNotConfigured(
            "HTTPS_PROXY is not the address of an HTTP proxy.",
            hint="Write it like http://proxy.example:3128.",
        )
    return proxy
