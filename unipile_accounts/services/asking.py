"""Asking Unipile from a service: with no database connection held, and with patience."""

from __future__ import annotations

import contextvars
import random
import threading
import time
from concurrent.futures import Future
from datetime import datetime
from functools import partial

from django.db import connection
from django.db.models.functions import Now
from django.db.models.sql import Query

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileError,
    UnipileNotAsked,
    UnipilePremiumStatusPending,
    UnipileRateLimited,
    UnipileTimeout,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import read_account
from unipile_accounts.services.interrupts import stoppable
from unipile_accounts.services.writing import Answer
from unipile_accounts.unipile import http as client

# In a bulk pass: tries of one question, failures in a row after which Unipile is given up on, and
# the longest wait between two tries, in seconds.
TRIES = 4
FAILURES_IN_A_ROW = 8
LONGEST_WAIT = 60.0
SHORTEST_WAIT = 0.5
# For a deadline that has passed: a timeout of nothing is none.
SHORTEST_TIMEOUT = 0.001


def ask(account: UnipileAccount, *, deadline: float) -> Answer:
    """Ask Unipile about one account; the answer may be the error why there is no verdict.

    It is there, or an error, when `time.monotonic()` says `deadline`.
    """
    give_connection_back()
    timeout = max(SHORTEST_TIMEOUT, deadline - time.monotonic())
    try:
        with stoppable():
            payload = client.get_account(account.unipile_account_id, timeout=timeout)
        return read_account(payload, unipile_account_id=account.unipile_account_id)
    except UnipileError as exc:
        return exc


class AskedPage:
    """A page of Unipile's list that was asked for, `asked_at` by the database's clock.

    A thread of its own gets it, so that the page before can be stored meanwhile.
    """

    def __init__(self, cursor: str | None, *, asked_at: datetime, timeout: float) -> None:
        self.cursor = cursor
        self.asked_at = asked_at
        self._timeout = timeout
        self._page: Future[client.AccountPage] = Future()
        # Entries of the log keep the id of our request.
        get = partial(contextvars.copy_context().run, self._get)
        # A daemon: a pass that is stopped does not wait for it.
        threading.Thread(target=get, name="AskedPage", daemon=True).start()

    def _get(self) -> None:
        try:
            self._page.set_result(client.list_accounts(cursor=self.cursor, timeout=self._timeout))
        except BaseException as exc:  # noqa: BLE001  # raised where it is waited for
            self._page.set_exception(exc)

    def wait(self) -> client.AccountPage:
        """Return the page when it is there; raise the `UnipileError` why there is none."""
        give_connection_back()
        with stoppable():
            return self._page.result()


def give_connection_back() -> None:
    """Let others use our database connection while we wait for Unipile."""
    if not connection.in_atomic_block:
        connection.close()


def database_now() -> datetime:
    """Return the database's time, by which answers are put in order."""
    query = Query(None)  # a SELECT without a table
    query.add_annotation(Now(), "now")
    compiler = query.get_compiler(connection=connection)
    now: datetime = next(iter(compiler.results_iter()))[0]
    return now


def worth_another_try(error: UnipileError) -> bool:
    """Tell a lost connection or a failing server from one that is slow, limits us or says wait."""
    not_at_once = UnipileTimeout | UnipileRateLimited | UnipilePremiumStatusPending
    return error.retryable and error.retry_after is None and not isinstance(error, not_at_once)


class Patience:
    """How a bulk pass puts up with a Unipile that fails: it waits, but not for ever.

    A question is tried `TRIES` times. One that stays without an answer is that account's failure;
    `FAILURES_IN_A_ROW` or the end of the time say that it is Unipile's.
    """

    def __init__(self, seconds: float | None) -> None:
        self._deadline = time.monotonic() + (seconds or float("inf"))
        self._tries = 0
        self._in_a_row = 0
        self._last: UnipileError | None = None

    @property
    def is_over(self) -> bool:
        return self._in_a_row >= FAILURES_IN_A_ROW or self._seconds_left() <= 0

    def reason(self) -> UnipileError:
        """Return why accounts that are left were not asked for."""
        if self._in_a_row >= FAILURES_IN_A_ROW and self._last:
            return self._last
        return UnipileNotAsked("The time was over.")

    def timeout(self) -> float:
        return max(SHORTEST_TIMEOUT, min(conf.unipile_timeout, self._seconds_left()))

    def wait(self, error: UnipileError | None) -> bool:
        """Wait before another try of the same question; return False when there is none."""
        if error is None or not error.retryable or isinstance(error, UnipilePremiumStatusPending):
            self._tries = self._in_a_row = 0
            return False
        self._last = error
        self._tries += 1
        self._in_a_row += 1
        seconds = self._seconds_to_wait(error)
        if self._tries >= TRIES or self.is_over or seconds >= self._seconds_left():
            self._tries = 0
            return False
        with stoppable():
            time.sleep(seconds)
        return True

    def _seconds_to_wait(self, error: UnipileError) -> float:
        if error.retry_after is not None:
            return min(float(error.retry_after), LONGEST_WAIT)
        longest = min(SHORTEST_WAIT * 2**self._tries, LONGEST_WAIT)
        return random.uniform(longest / 2, longest)  # noqa: S311  # spreads tries, guards nothing

    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()
