"""The one rule of logins is that one LinkedIn login is one row of its owner's.

A login at Unipile is deleted only for one that was read alive, or because its row was given up.
"""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q

from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Origin, RefreshResult
from unipile_accounts.services.linking.disconnecting import delete_unused
from unipile_accounts.services.refreshing import writing
from unipile_accounts.services.refreshing.deciding import as_stored, decide, is_outdated
from unipile_accounts.services.refreshing.locking import decide_again

_PLAN = (*PLAN_COLUMNS, "refreshed_at", "live_checked_at", "live_snapshot")
_NEVER = datetime.min.replace(tzinfo=UTC)


class Login(NamedTuple):
    """A LinkedIn member who was read at Unipile, and whose row it shall be."""

    user_id: Any
    unipile_account_id: str
    verdict: AccountVerdict
    asked_at: datetime

    @property
    def is_alive(self) -> bool:
        return self.verdict.status == UnipileAccount.Status.CONNECTED


class Rows(NamedTuple):
    """The rows that a login may concern, locked. Each may be missing, and two may be the same."""

    of_member: UnipileAccount | None
    of_link: UnipileAccount | None
    holder: UnipileAccount | None

    def chosen(self, login: Login) -> UnipileAccount | None:
        """Return the row that the login belongs to, and None for a new one."""
        if self.of_member:
            return self.of_member
        for row in (self.of_link, self.holder):
            if row and row.user_id == login.user_id and not row.linkedin_id:
                return row
        return None


def lock_rows(login: Login, *, link_account_id: Any = None) -> Rows:
    """Lock the rows that a login may concern, in the order of their keys."""
    is_owners = Q(user_id=login.user_id)
    found = UnipileAccount.objects.filter(
        Q(unipile_account_id=login.unipile_account_id)
        | is_owners & Q(linkedin_id=login.verdict.linkedin_id)
        | is_owners & Q(pk=link_account_id)
    )
    # The time of this statement is from before it waits, so that nothing is compared with it.
    rows = list(found.select_for_update(no_key=True).order_by("pk"))
    own = [row for row in rows if row.user_id == login.user_id]
    return Rows(
        {row.linkedin_id: row for row in own}.get(login.verdict.linkedin_id or ""),
        {row.pk: row for row in own}.get(link_account_id),
        {row.unipile_account_id: row for row in rows}.get(login.unipile_account_id),
    )


def may_take(row: UnipileAccount | None, login: Login) -> bool:
    """Tell whether the row may give up what it has at Unipile for this login."""
    if row is None or row.unipile_account_id == login.unipile_account_id:
        return True
    if login.verdict.reason:
        return row.status == UnipileAccount.Status.DISCONNECTED
    return login.is_alive or row.status != UnipileAccount.Status.CONNECTED


def take(
    row: UnipileAccount | None, login: Login, rows: Rows, origin: Origin, *, unsure: str
) -> RefreshResult:
    """Let a row, or a new one, take a login. A second row of the login disappears.

    `unsure` is the status of a login that is neither alive nor lost. What the row had at Unipile
    before is deleted there after the commit, if it may be.
    """
    verdict = login.verdict._replace(status=login.verdict.status or unsure)
    if row is None:
        row = UnipileAccount(user_id=login.user_id, unipile_account_id=login.unipile_account_id)
        result = decide(row, verdict, asked_at=login.asked_at).result(row)
        writing.add(row, origin)
        return result
    before = row.unipile_account_id
    if before != login.unipile_account_id and (login.is_alive or row.given_up_at):
        transaction.on_commit(lambda: delete_unused(before), robust=True)
    plan = _newest_plan(row, rows.holder, login)
    if rows.holder and rows.holder != row:
        writing.merge(rows.holder, into=row, origin=origin)
    values = {**plan, "unipile_account_id": login.unipile_account_id, "given_up_at": None}
    planned = copy(row)
    for name, value in values.items():
        setattr(planned, name, value)
    decision = decide(planned, verdict, asked_at=login.asked_at)
    changes = writing.write_locked(row, values | decision.values, origin)
    return RefreshResult(row, changes, decision.error, stored=True)


def _newest_plan(
    row: UnipileAccount, holder: UnipileAccount | None, login: Login
) -> dict[str, Any]:
    """Return the member's plan that LinkedIn told last, or else that was asked for last.

    What another account said of an unknown member may be somebody else's plan.
    """
    known = [
        each
        for each in (row, holder)
        if each and (each.linkedin_id or each.unipile_account_id == login.unipile_account_id)
    ]

    def told_at(each: UnipileAccount) -> list[datetime]:
        return [each.passed(at) or _NEVER for at in (each.live_checked_at, each.refreshed_at)]

    newest = max(known, key=told_at, default=UnipileAccount())
    return {name: getattr(newest, name) for name in _PLAN}


def store_new_member(
    row: UnipileAccount,
    verdict: AccountVerdict,
    *,
    asked_at: datetime,
    origin: Origin,
    dry_run: bool = False,
) -> RefreshResult | None:
    """Store an answer in a row whose member was not known, and return None where it has changed.

    Another row of its owner's that has the member takes the login, if it may.
    """
    if dry_run:
        return writing.store(row, verdict, asked_at=asked_at, origin=origin, dry_run=True)
    login = Login(row.user_id, row.unipile_account_id, verdict, asked_at)
    return decide_again(lambda: _store(row, login, origin))


def _store(asked: UnipileAccount, login: Login, origin: Origin) -> RefreshResult | None:
    rows = lock_rows(login)
    holder = rows.holder
    if holder is None or (holder.pk, holder.user_id) != (asked.pk, asked.user_id):
        return None
    if holder.given_up_at or holder.linkedin_id:
        return None
    if is_outdated(holder, asked_at=login.asked_at):
        return as_stored(holder, asked_at=login.asked_at)
    row = rows.chosen(login)
    if may_take(row, login):
        return take(row, login, rows, origin, unsure=holder.status)
    decision = decide(holder, login.verdict, asked_at=login.asked_at, with_member=False)
    writing.write_locked(holder, decision.values, origin)
    return RefreshResult(holder, decision.changes, decision.error, stored=True)
