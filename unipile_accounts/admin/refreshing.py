"""Refreshing accounts, from the list and from an account's page."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.template.loader import render_to_string

from unipile_accounts.admin.base import SECONDS
from unipile_accounts.admin.words import advice, in_words
from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileNotAsked,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccountQuerySet
from unipile_accounts.results import Door, RefreshResult, Summary
from unipile_accounts.services import refresh_accounts

# When Unipile fails, all that are left fail one by one. 100,000 take longer than this.
SECONDS_TO_FAIL = 3.0
# The report names so many accounts of a kind.
NAMED = 10


@admin.action(description="Refresh premium status from Unipile", permissions=["refresh"])
def refresh_from_unipile(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> None:
    refresh(request, queryset)


@admin.action(description="Ask LinkedIn itself for the plan", permissions=["refresh"])
def ask_linkedin(model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet) -> None:
    refresh(request, queryset, live=True)


def refresh(request: HttpRequest, accounts: UnipileAccountQuerySet, *, live: bool = False) -> None:
    """Refresh these accounts, and report how each went that was asked for."""
    report = Report()
    selected = accounts.count()
    deadline = time.monotonic() + SECONDS + SECONDS_TO_FAIL
    error = None
    try:
        for result in refresh_accounts(
            accounts, door=Door.ADMIN, user=request.user, live=live, seconds=SECONDS
        ):
            # All that are left fail for one and the same error, and nothing of them is stored.
            is_left = error is not None and error is result.error
            is_late = is_left and time.monotonic() > deadline
            if is_late or isinstance(result.error, UnipileNotAsked):
                report.unreached = selected - report.summary.total
                break
            report.add(result)
            error = result.error
    except (UnipileNotConfigured, UnipileAuthenticationError) as exc:
        report.stopped_by = exc
    messages.add_message(request, report.level, report.html())


class Report:
    """What a refresh came to, with the first few accounts of each kind by name."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.stopped_by: UnipileAuthenticationError | UnipileNotConfigured | None = None
        self.unreached = 0
        self._named: dict[str, list[RefreshResult]] = defaultdict(list)

    def add(self, result: RefreshResult) -> None:
        self.summary.add(result)
        kind = "changed" if result.changes and not result.error else result.outcome
        if len(self._named[kind]) < NAMED:
            self._named[kind].append(result)

    @property
    def level(self) -> int:
        """Return the worst outcome's level."""
        if self.stopped_by or self.unreached or self.summary.failed:
            return messages.ERROR
        if self.summary.skipped or not self.summary.refreshed:
            return messages.WARNING
        return messages.SUCCESS

    def html(self) -> str:
        groups = [
            {
                "kind": kind,
                "reasons": _by_reason(self._named[kind]),
                "more": getattr(self.summary, kind) - len(self._named[kind]),
            }
            for kind in ("failed", "changed", "skipped")
            if self._named[kind]
        ]
        context = {"report": self, "summary": self.summary, "groups": groups}
        return render_to_string("admin/unipile_accounts/report.html", context)


def _by_reason(results: Iterable[RefreshResult]) -> dict[str, list[RefreshResult]]:
    """Group accounts, so that what holds for several is said once."""
    reasons: dict[str, list[RefreshResult]] = {}
    for result in results:
        reason = advice(result.error) if result.error else in_words(result.changes)
        reasons.setdefault(reason, []).append(result)
    return reasons
