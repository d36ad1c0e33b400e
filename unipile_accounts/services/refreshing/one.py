"""One account: ask Unipile, store what it says, and publish how it went."""

from __future__ import annotations

import time
from uuid import UUID

from django.db import DatabaseError

from unipile_accounts.exceptions import AccountLocked, UnipileError
from unipile_accounts.models import AccountChange, AnyUser, UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.linking.logins import store_new_member
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace, ask
from unipile_accounts.services.refreshing.deciding import as_stored, given_up, is_same_question
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.refreshing.writing import note_failures, store


def refresh_account(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    door: Door,
    user: AnyUser | None = None,
    live: bool = False,
) -> RefreshResult:
    """Re-read one of these accounts from Unipile and store what it says.

    `live` asks LinkedIn for the plan too.

    Raises `UnipileAccount.DoesNotExist` when it is not among them, `UnipileNotConfigured` or a
    `UnipileError` when Unipile gives no verdict, and `UnipileReconnectRequired` when the row is not
    connected. Flags and limits stay as they are then.
    """
    origin = Origin(door, user)
    started = time.monotonic()
    try:
        result = refresh_one(
            accounts,
            pk,
            patience=Patience.of_one_refresh(),
            origin=origin,
            workspace=Workspace(),
            live=live,
        )
    except Exception as exc:
        recording.log_failure(exc, pk, origin, milliseconds=_milliseconds_since(started))
        raise
    _note(result)
    recording.publish([result], origin, milliseconds=_milliseconds_since(started))
    if result.error:
        raise result.error
    return result


def refresh_one(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    patience: Patience,
    origin: Origin,
    workspace: Workspace,
    live: bool = False,
    dry_run: bool = False,
) -> RefreshResult:
    """Ask as often as `patience` allows, and store the answer. A `UnipileError` is returned."""
    patience.begin()
    row = asked = accounts.with_database_time().get(pk=pk)
    answer = None
    while row.given_up_at is None:
        try:
            if answer is None or not is_same_question(row, asked):
                asked, answer = row, ask(row, patience=patience, workspace=workspace, live=live)
                patience.succeeded()
            is_new_member = answer.verdict.linkedin_id and not row.linkedin_id
            store_it = store_new_member if is_new_member else store
            result = store_it(
                row, answer.verdict, asked_at=answer.asked_at, origin=origin, dry_run=dry_run
            )
            if result and (result.stored or result.error or not live):
                return result
            if result:
                # The later answer that is stored has not asked LinkedIn.
                answer = None
            elif patience.is_over():
                raise AccountLocked("The account is written all the time.")
        except UnipileError as exc:
            if not patience.try_again(exc):
                return RefreshResult(row, error=exc, asked_at=row.database_time)
        try:
            row = accounts.with_database_time().get(pk=pk)
        except UnipileAccount.DoesNotExist:
            return _merged(accounts, asked)
    return given_up(row)


def _merged(accounts: UnipileAccountQuerySet, asked: UnipileAccount) -> RefreshResult:
    """Answer from the row that has taken the login of this one, if there is one."""
    last = AccountChange.objects.filter(account=asked.pk).first()
    kept = last.changes.get("merged_into") if last else None
    if kept is None:
        raise UnipileAccount.DoesNotExist
    return as_stored(accounts.get(pk=kept[1]), asked_at=asked.database_time)


def _note(result: RefreshResult) -> None:
    try:
        note_failures([result])
    except DatabaseError:
        recording.logger.warning("The failure of account %s was not noted.", result.account.pk)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
