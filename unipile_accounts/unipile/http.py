"""One request to Unipile's v1 API: JSON comes back, or a `UnipileError`. Knows no model.

https://developer.unipile.com/reference-link/api-usage
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from json import dumps, loads
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from unipile_accounts import metrics
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile.connections import ReusedConnectionFailed, on_a_new_connection
from unipile_accounts.unipile.deadline import answer_within, seconds_left
from unipile_accounts.unipile.errors import error_of_answer, error_of_connection
from unipile_accounts.unipile.session import close_session, session

__all__ = ["MAX_ANSWER_BYTES", "close_session", "request"]

# A page of 250 accounts has some 300 kB.
MAX_ANSWER_BYTES = 2 * 1024 * 1024

_ERROR_TYPE = re.compile(r"errors/[a-z_]{1,64}")
_RETRY_AFTER_MAX = 3600


class _Question(NamedTuple):
    method: str
    url: str
    body: bytes | None


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def request(
    method: str,
    path: str,
    *,
    about: str,
    query: Mapping[str, str] | None = None,
    json: Any = None,
    timeout: float | None = None,
    account: bool = False,
) -> Any:
    """Return the JSON that Unipile answers within `timeout` seconds (UNIPILE_TIMEOUT by default).

    `path` follows /api/v1, and `about` names the question in messages. With `account` the
    question is about one account, so that an error may speak of it.
    Raises `UnipileError`, or `UnipileNotConfigured` for what only the operator can mend.
    """
    dsn = conf.unipile_dsn
    parameters = {**(query or {}), **dsn.query}
    question = _Question(
        method,
        f"/api/v1{path}" + (f"?{urlencode(parameters)}" if parameters else ""),
        None if json is None else dumps(json).encode(),
    )
    started = time.monotonic()
    try:
        with answer_within(conf.unipile_timeout if timeout is None else timeout):
            answer = _ask(session(dsn.base_url), question)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as exc:
        error = error_of_connection(exc, about=about)
        _observe(path, error.code, started=started)
        raise error from exc
    _observe(path, str(answer.status), started=started)
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is too large.")
    if answer.status not in (200, 201):
        raise error_of_answer(
            answer.status,
            _error_type(answer.body),
            about=about,
            one_account=account,
            retry_after=_retry_after(answer.headers),
        )
    return _json(answer.body, about=about)


def _observe(path: str, status: str, *, started: float) -> None:
    # What follows may be an id.
    resource = path.split("/")[1]
    metrics.ANSWERS.labels(resource, status).observe(time.monotonic() - started)


def _ask(pool: urllib3.HTTPConnectionPool, question: _Question) -> _Answer:
    # A POST may not be put twice, so it must not need to be.
    if question.method != "POST":
        with suppress(ReusedConnectionFailed):
            return _exchange(pool, question)
    with on_a_new_connection():
        return _exchange(pool, question)


def _exchange(pool: urllib3.HTTPConnectionPool, question: _Question) -> _Answer:
    response = pool.urlopen(
        *question,
        headers=_headers(question),
        timeout=urllib3.Timeout(connect=conf.unipile_connect_timeout, read=seconds_left()),
        # A redirect would take the key to another address.
        redirect=False,
        preload_content=False,
    )
    try:
        body = response.read(MAX_ANSWER_BYTES + 1, decode_content=True)
        return _Answer(response.status, response.headers, body)
    finally:
        response.close()
        response.release_conn()


def _headers(question: _Question) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "X-API-KEY": conf.unipile_api_key,
    }
    return headers if question.body is None else {**headers, "Content-Type": "application/json"}


def _json(body: bytes, *, about: str) -> Any:
    try:
        return loads(body)
    except (ValueError, RecursionError) as exc:
        raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not JSON.") from exc


def _error_type(body: bytes) -> str:
    """Return Unipile's error type, or nothing for a body that is not of Unipile's making."""
    try:
        answer = loads(body)
    except (ValueError, RecursionError):
        return ""
    error_type = answer.get("type") if isinstance(answer, dict) else None
    known = isinstance(error_type, str) and _ERROR_TYPE.fullmatch(error_type)
    return known.group() if known else ""


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of a Retry-After header, which may be a number or a date."""
    try:
        seconds = urllib3.Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, ValueError, OverflowError, urllib3.exceptions.InvalidHeader):
        return None
    return int(min(max(seconds, 1), _RETRY_AFTER_MAX))
