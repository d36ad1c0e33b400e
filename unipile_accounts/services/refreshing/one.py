"""One account: ask Unipile, store what it says, and tell who asked."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import Retry, UnipileError
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Call, Workspace, ask
from unipile_accounts.services.refreshing.writing import given_up, note_failures, store

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


# All that a question needs. The whole row is read with its lock.
_QUESTION = ("user_id", "unipile_account_id", "given_up_at")


def refresh_account(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    door: Door,
    user: AbstractBaseUser | AnonymousUser | None = None,
    live: bool = False,
    idempotency_key: str = "",
) -> RefreshResult:
    """Re-read one of these accounts from Unipile and store what it says.

    `live` asks LinkedIn for the plan too. A repeated `idempotency_key` of the same user is told
    again what the first request has changed.

    Raises `UnipileAccount.DoesNotExist` when it is not among them, `UnipileNotConfigured` or a
    `UnipileError` when Unipile gives no verdict, and `UnipileReconnectRequired` when the row is not
    connected. Flags and limits stay as they are then.
    """
    origin = Origin(door, user, idempotency_key)
    started = time.monotonic()
    try:
        result = _refresh_with_retry(accounts, pk, origin=origin, live=live)
    except Exception as exc:
        recording.log_failure(exc, pk, origin, milliseconds=_milliseconds_since(started))
        if isinstance(exc, UnipileError):
            _note(pk, exc)
        raise
    recording.tell([result], origin, milliseconds=_milliseconds_since(started))
    if result.error:
        raise result.error
    told = recording.changes_told_before(result.account, origin)
    return replace(result, changes=told | result.changes) if told else result


def _refresh_with_retry(
    accounts: UnipileAccountQuerySet, pk: UUID, *, origin: Origin, live: bool
) -> RefreshResult:
    deadline = time.monotonic() + conf.unipile_timeout
    try:
        return refresh_one(accounts, pk, deadline=deadline, origin=origin, live=live)
    except UnipileError as exc:
        pause = random.uniform(0.1, 0.4)  # noqa: S311  # spreads retries, guards nothing
        is_time_left = time.monotonic() + pause < deadline
        if exc.retry is not Retry.AT_ONCE or exc.retry_after is not None or not is_time_left:
            raise
        time.sleep(pause)
    return refresh_one(accounts, pk, deadline=deadline, origin=origin, live=live)


def refresh_one(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    deadline: float,
    origin: Origin,
    live: bool = False,
    dry_run: bool = False,
    workspace: Workspace | None = None,
    call: Call | None = None,
) -> RefreshResult:
    """Ask once and store the answer; raise the `UnipileError` why there is none."""
    while True:
        account = accounts.with_database_time().only(*_QUESTION).get(pk=pk)
        if account.given_up_at:
            return RefreshResult(account, error=given_up(account))
        verdict = ask(
            account,
            deadline=deadline,
            workspace=workspace or Workspace(),
            live=live,
            call=call,
        )
        results = store(
            {account.unipile_account_id: verdict},
            UnipileAccount.objects.filter(pk=pk, user_id=account.user_id),
            asked_at=account.database_time,
            origin=origin,
            dry_run=dry_run,
        )
        # With another owner or Unipile id by now, it is another question.
        if results:
            return results[0]


def _note(pk: UUID, error: UnipileError) -> None:
    try:
        note_failures([RefreshResult(UnipileAccount(pk=pk), error=error)])
    except DatabaseError:
        recording.logger.warning("The failure of account %s could not be noted.", pk)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
