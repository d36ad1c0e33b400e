"""Unipile's v1 accounts API over HTTP: JSON comes back, or a `UnipileError`. Imports no model.

https://developer.unipile.com/reference/accountscontroller_getaccountbyid
https://developer.unipile.com/reference/accountscontroller_listaccounts
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import json
import os
import re
import socket
import threading
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileAccountNotFound,
    UnipileAPIError,
    UnipileAuthenticationError,
    UnipileError,
    UnipileLoginLost,
    UnipileRateLimited,
    UnipileTimeout,
    UnipileUnavailable,
    UnipileUnexpectedAnswer,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The most that `limit` may be.
PAGE_SIZE = 250
# A page of 250 accounts is some 300 kB; what is far beyond that is no answer of Unipile's.
MAX_ANSWER_BYTES = 16 * 1024 * 1024

# The 401s that are about the customer's login to LinkedIn. Any other 401 is about our key.
_LOGIN_LOST_TYPES = {
    "errors/captcha_not_supported",
    "errors/checkpoint_error",
    "errors/disconnected_account",
    "errors/expired_credentials",
    "errors/invalid_checkpoint_solution",
    "errors/invalid_credentials",
    "errors/wrong_account",
}
_NOT_FOUND_TYPE = "errors/resource_not_found"
_ERROR_TYPE = re.compile(r"errors/[a-z_]{1,64}")

_RETRY_AFTER_MAX = 3600


class Tally:
    """How many requests to Unipile this process has made so far, answered or not."""

    def __init__(self) -> None:
        self.requests = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.requests += 1


tally = Tally()


class AccountPage(NamedTuple):
    """Some accounts of the workspace, any provider's, and the cursor of the next page if any."""

    items: list[Any]
    cursor: str | None


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def get_account(unipile_account_id: str, *, timeout: float | None = None) -> Any:
    """Return the JSON of one account, within `timeout` seconds (UNIPILE_TIMEOUT by default)."""
    about = f"account {unipile_account_id}"
    answer = _get(f"/{quote(unipile_account_id, safe='')}", {}, about=about, timeout=timeout)
    if answer.status != 200:
        raise _account_error(answer, about) or _api_error(answer, about)
    return _json(answer, about)


def list_accounts(*, cursor: str | None = None, timeout: float | None = None) -> AccountPage:
    """Return one page of the workspace's accounts, within `timeout` seconds."""
    about = "the list of accounts"
    query = {"limit": str(PAGE_SIZE)} | ({"cursor": cursor} if cursor else {})
    answer = _get("", query, about=about, timeout=timeout)
    if answer.status != 200:
        raise _api_error(answer, about)
    match _json(answer, about):
        case {"object": "AccountList", "items": list(items), **rest}:
            next_cursor = rest.get("cursor")
            if next_cursor is None or (isinstance(next_cursor, str) and next_cursor != cursor):
                return AccountPage(items, next_cursor or None)
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not a list of accounts.")


def _get(path: str, query: dict[str, str], *, about: str, timeout: float | None) -> _Answer:
    dsn = conf.unipile_dsn
    query = query | dsn.query
    url = f"{dsn.base_url}/api/v1/accounts{path}" + (f"?{urlencode(query)}" if query else "")
    total = conf.unipile_timeout if timeout is None else timeout
    request = _request().copy()
    request.url = url
    request.headers["X-API-KEY"] = conf.unipile_api_key
    tally.add()
    try:
        with _session().send(
            request,
            timeout=urllib3.Timeout(total=total, connect=conf.unipile_connect_timeout),  # type: ignore[arg-type]  # requests passes it on as it is
            stream=True,
        ) as response:
            body = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
            answer = _Answer(response.status_code, response.headers, body)
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as exc:
        raise UnipileTimeout(f"Unipile gave no whole answer for {about} in time.") from exc
    except urllib3.exceptions.DecodeError as exc:
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} cannot be decoded.") from exc
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
        raise UnipileUnavailable(
            f"No connection to Unipile for {about} ({type(exc).__name__})."
        ) from exc
    except ValueError as exc:
        # http.client's own, for a chunk of negative size.
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not HTTP.") from exc
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is too large.")
    return answer


# --- Status and type -> error: what is not listed says nothing of the account --------------------


def _account_error(answer: _Answer, about: str) -> UnipileError | None:
    """Return what an error status says of the one account that was asked for, if anything."""
    match answer.status, _error_type(answer):
        case 401, error_type if error_type in _LOGIN_LOST_TYPES:
            return UnipileLoginLost(f"Unipile answered 401 {error_type} for {about}.")
        case 404, error_type if error_type == _NOT_FOUND_TYPE:
            return UnipileAccountNotFound(
                f"Unipile answered 404 {error_type} for {about}.",
                status_code=404,
                error_type=error_type,
            )
    return None


def _api_error(answer: _Answer, about: str) -> UnipileError:
    status, error_type = answer.status, _error_type(answer)
    message = f"Unipile answered {status} {error_type}".rstrip() + f" for {about}."
    if status < 400:
        return UnipileUnexpectedAnswer(message)
    if status in (401, 403):
        return UnipileAuthenticationError(message, status_code=status, error_type=error_type)
    if status == 429:
        return UnipileRateLimited(
            message, status_code=429, error_type=error_type, retry_after=_retry_after(answer)
        )
    if status == 503:
        return UnipileUnavailable(message, retry_after=_retry_after(answer))
    return UnipileAPIError(message, status_code=status, error_type=error_type)


def _error_type(answer: _Answer) -> str:
    """Return Unipile's error type, or nothing for a body that is not of Unipile's making."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    error_type = body.get("type") if isinstance(body, dict) else None
    known = isinstance(error_type, str) and _ERROR_TYPE.fullmatch(error_type)
    return known.group() if known else ""


def _retry_after(answer: _Answer) -> int | None:
    """Return the seconds of a Retry-After header, which may be a number or a date."""
    try:
        seconds = urllib3.Retry().parse_retry_after(answer.headers["Retry-After"])
    except (KeyError, ValueError, OverflowError, urllib3.exceptions.InvalidHeader):
        return None
    return int(min(max(seconds, 1), _RETRY_AFTER_MAX))


def _json(answer: _Answer, about: str) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as exc:
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not JSON.") from exc


# --- One session a process, and one deadline an answer --------------------------------------------


@functools.cache
def _session() -> requests.Session:
    """Return the process's session, which keeps its connections open for every thread."""
    session = _Session()
    adapter = _DeadlineAdapter(pool_maxsize=conf.unipile_pool_size)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["Accept"] = "application/json"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # The environment's proxy and certificates are read here, once, instead of at every request.
    environment = session.merge_environment_settings(
        conf.unipile_dsn.base_url, {}, None, None, None
    )
    session.proxies = dict(environment["proxies"])
    session.verify = environment["verify"]
    session.trust_env = False
    return session


@functools.cache
def _request() -> requests.PreparedRequest:
    """Return what all requests have in common: to prepare each anew is a quarter of its cost."""
    return requests.Request("GET", "https://localhost", headers=_session().headers).prepare()


# Two processes must not talk over one socket.
os.register_at_fork(after_in_child=_session.cache_clear)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: it would take the key to another address."""


class _DeadlineAdapter(HTTPAdapter):
    """Opens connections whose timeout is one deadline for the whole answer."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _DeadlineConnection):
            bases = (_DeadlineConnection, pool.ConnectionCls)
            pool.ConnectionCls = type(pool.ConnectionCls.__name__, bases, {})
        return pool


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _DeadlineConnection(urllib3.connection.HTTPConnection):
    response_class = _DeadlineResponse

    def _new_conn(self) -> socket.socket:
        # Of a host's addresses each would be given the whole time to connect, one after the other.
        with contextlib.suppress(OSError):
            addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self.timeout: Any = self.timeout / len(addresses)
        return super()._new_conn()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline.

    A socket's own timeout starts anew with every byte, so a body or a header that drips would be
    waited for without end.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._deadline = time.monotonic() + (sock.gettimeout() or conf.unipile_timeout)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The deadline for the whole answer has passed.")
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
