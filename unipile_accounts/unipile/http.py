"""One question to Unipile's v1 API. The answer is JSON or a `UnipileError`.

https://developer.unipile.com/reference-link/api-usage
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from json import loads
from typing import Any, NamedTuple

from django.conf import settings

from unipile_accounts import metrics
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured, UnipileUnexpectedAnswer
from unipile_accounts.unipile.deadline import in_thread, result_of
from unipile_accounts.unipile.errors import error_of_answer, error_of_connection
from unipile_accounts.unipile.session import new_session, session

# A page of 250 accounts has some 300 kB.
MAX_ANSWER_BYTES = 2 * 1024 * 1024


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    ended_at: float


class Pending(NamedTuple):
    """A question that Unipile has been asked, and the answer to come."""

    about: str
    resource: str
    account: bool
    asked_at: float
    seconds: float
    answer: Future[_Answer]

    def wait(self) -> Any:
        """Return the JSON of the answer, or raise `UnipileError` or `UnipileNotConfigured`."""
        try:
            answer = result_of(self.answer, deadline=self.asked_at + self.seconds)
        except (TimeoutError, UnipileError, UnipileNotConfigured) as exc:
            error = error_of_connection(exc, about=self.about)
            self._observe(error.code, until=time.monotonic())
            raise error from exc.__cause__
        self._observe(str(answer.status), until=answer.ended_at)
        subject = f"Unipile's answer for {self.about}"
        if len(answer.body) > MAX_ANSWER_BYTES:
            raise UnipileUnexpectedAnswer(f"{subject} is too large.")
        if answer.status not in (200, 201):
            raise error_of_answer(*answer[:3], about=self.about, one_account=self.account)
        try:
            return loads(answer.body)
        except (ValueError, RecursionError) as exc:
            raise UnipileUnexpectedAnswer(f"{subject} is not JSON.") from exc

    def _observe(self, status: str, *, until: float) -> None:
        metrics.ANSWERS.labels(self.resource, status).observe(until - self.asked_at)


def begin(
    method: str,
    path: str,
    *,
    about: str,
    query: Mapping[str, str] | None = None,
    json: Any = None,
    timeout: float | None = None,
    account: bool = False,
) -> Pending:
    """Ask Unipile, which has `timeout` seconds for its whole answer (UNIPILE_TIMEOUT by default).

    `path` follows /api/v1, and `about` names the question in messages. With `account` the
    question is about one account, so that an error may speak of it.
    """
    dsn = conf.unipile_dsn
    seconds = settings.UNIPILE_TIMEOUT if timeout is None else timeout
    if seconds <= 0:
        raise error_of_connection(TimeoutError(), about=about)
    exchange = partial(
        _exchange,
        about,
        dsn.base_url,
        method,
        path,
        params={**(query or {}), **dsn.query},
        json=json,
        headers={"Accept": "application/json", "X-API-KEY": conf.unipile_api_key},
        timeout=(min(settings.UNIPILE_CONNECT_TIMEOUT, seconds), seconds),
    )
    # What follows the resource may be an id.
    resource = path.split("/")[1]
    return Pending(about, resource, account, time.monotonic(), seconds, in_thread(exchange))


def _exchange(about: str, base_url: str, method: str, path: str, **content: Any) -> _Answer:
    url = f"{base_url}/api/v1{path}"
    try:
        # Nobody repeats a POST, so it gets a new connection, which cannot have gone stale.
        own = new_session(base_url) if method == "POST" else nullcontext(session(base_url))
        with own as unipile, unipile.request(method, url, stream=True, **content) as response:
            body = b""
            for piece in response.iter_content(64 * 1024):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    break
    except (OSError, ValueError) as exc:
        raise error_of_connection(exc, about=about) from exc
    return _Answer(response.status_code, response.headers, body, time.monotonic())
