"""What an answer of Unipile means for a row. Nothing is written here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from unipile_accounts.exceptions import (
    UnipileAccountDisconnected,
    UnipileError,
    UnipilePremiumStatusPending,
    UnipileReconnectRequired,
)
from unipile_accounts.limits import PLAN_COLUMNS, plan_of
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.results import Change, RefreshResult
from unipile_accounts.services.refreshing.recording import logger

# Columns whose changes a refresh reports.
REPORTED = ("name", "profile_url", "status", *PLAN_COLUMNS)


class Decision(NamedTuple):
    """What is written, what of it is reported, and why the row is not connected."""

    values: dict[str, Any]
    changes: dict[str, Change]
    error: UnipileReconnectRequired | None

    def result(self, row: UnipileAccount) -> RefreshResult:
        """Bring the row in memory to what was written."""
        for name, value in self.values.items():
            setattr(row, name, value)
        return RefreshResult(row, self.changes, self.error, stored=True)


def decide(
    row: UnipileAccount, verdict: AccountVerdict, *, asked_at: datetime, with_member: bool = True
) -> Decision:
    """Return what the answer changes in this row."""
    if row.linkedin_id and verdict.linkedin_id not in (None, row.linkedin_id):
        verdict = _another_member(row, verdict)
    said = {
        "status": verdict.status,
        "name": verdict.name,
        "profile_url": verdict.profile_url,
        "linkedin_id": verdict.linkedin_id if with_member else None,
    }
    values = {name: value for name, value in said.items() if value is not None}
    error = UnipileReconnectRequired(verdict.reason) if verdict.reason else None
    values |= _plan(row, verdict, asked_at=asked_at) | {"last_error": error.code if error else ""}
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    reported = [name for name in REPORTED if name in different]
    moments = ("answered_at", "last_tried_at", *(["refreshed_at"] if verdict.flags else []))
    # The note of a failure leaves the version, so that the row may have one that is not seen.
    different["last_error"] = values["last_error"]
    return Decision(
        different | dict.fromkeys(moments, asked_at),
        {name: Change(getattr(row, name), different[name]) for name in reported},
        error,
    )


def _another_member(row: UnipileAccount, verdict: AccountVerdict) -> AccountVerdict:
    reason = (
        f"Unipile account {row.unipile_account_id} is logged in as another LinkedIn member"
        f" ({verdict.linkedin_id}) than the account's ({row.linkedin_id})."
    )
    logger.warning("Account %s: %s", row.pk, reason)
    return AccountVerdict(status=UnipileAccount.Status.CREDENTIALS_REQUIRED, reason=reason)


def _plan(row: UnipileAccount, verdict: AccountVerdict, *, asked_at: datetime) -> dict[str, Any]:
    """Return the columns of the plan, where the answer holds one."""
    if not verdict.flags:
        return {}
    # An old server has left snapshots of live readings that no longer hold.
    then: dict[str, bool | None] = json.loads((row.live_checked_at and row.live_snapshot) or "{}")
    if any(then[name] not in (None, flag) for name, flag in verdict.copy.items() if name in then):
        # The copy has changed, so it is newer than what LinkedIn told.
        then = {}
    # LinkedIn's word on a flag stays until the copy's changes.
    told = {*then, *verdict.live}
    snapshot = {name: verdict.copy.get(name, then.get(name)) for name in sorted(told)}
    copied = {name: flag for name, flag in verdict.copy.items() if name not in told}
    stored = {"is_premium": row.is_premium, "has_sales_navigator": row.has_sales_navigator}
    moment = asked_at if verdict.live else row.live_checked_at
    return {
        "live_checked_at": moment if told else None,
        "live_snapshot": json.dumps(snapshot) if told else "",
        **plan_of(**{**stored, **copied, **verdict.live}).columns,
    }


def is_outdated(row: UnipileAccount, *, asked_at: datetime) -> bool:
    """Tell whether a later answer is stored. A time ahead of the database's clock is none."""
    if row.answered_at is None or asked_at >= row.answered_at:
        return False
    if row.passed(row.answered_at):
        return True
    logger.warning("Account %s was answered in the future. That time is ignored.", row.pk)
    return False


def is_same_question(row: UnipileAccount, as_asked: UnipileAccount) -> bool:
    """Tell whether an answer that was asked for with one reading of a row is about the other."""
    return (row.user_id, row.unipile_account_id) == (as_asked.user_id, as_asked.unipile_account_id)


def as_stored(row: UnipileAccount, *, asked_at: datetime) -> RefreshResult:
    """Answer from the row as it is, because an answer is stored that is later than `asked_at`."""
    error: UnipileError | None = None
    if row.status != UnipileAccount.Status.CONNECTED:
        error = UnipileReconnectRequired(f"Account {row.pk} is {row.status} by a later answer.")
    elif row.plan is None:
        error = UnipilePremiumStatusPending(f"No answer has told the plan of account {row.pk}.")
    return RefreshResult(row, error=error, asked_at=asked_at)


def given_up(row: UnipileAccount) -> RefreshResult:
    reason = f"Account {row.pk} was disconnected by its owner, so Unipile was not asked."
    return RefreshResult(row, error=UnipileAccountDisconnected(reason))
