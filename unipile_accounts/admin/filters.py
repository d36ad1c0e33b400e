"""What the list can be narrowed to. The choices by status and by plan share no account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest

from unipile_accounts.admin.words import CODES, reason
from unipile_accounts.models import UnipileAccount

_IS_KNOWN = ~Q(refreshed_at=None)
_CONNECTED = Q(status=UnipileAccount.Status.CONNECTED)
_LOGGED_OUT = Q(status=UnipileAccount.Status.CREDENTIALS_REQUIRED)
_DISCONNECTED = Q(status=UnipileAccount.Status.DISCONNECTED)


class _ChoiceFilter(admin.SimpleListFilter):
    conditions: list[tuple[str, Any, Q]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, label) for value, label, _condition in self.conditions]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        for value, _label, condition in self.conditions:
            if value == self.value():
                return queryset.filter(condition)
        return queryset


class StatusFilter(_ChoiceFilter):
    title = "status"
    parameter_name = "status"
    conditions = [
        ("connected", "connected", _CONNECTED & ~Q(answered_at=None)),
        ("credentials_required", "credentials required", _LOGGED_OUT),
        ("disconnected", "disconnected", _DISCONNECTED & Q(given_up_at=None)),
        ("given_up", "given up", _DISCONNECTED & ~Q(given_up_at=None)),
        ("unknown", "unknown", _CONNECTED & Q(answered_at=None)),
    ]


class PlanFilter(_ChoiceFilter):
    title = "plan"
    parameter_name = "plan"
    conditions = [
        ("premium", "premium", Q(is_premium=True, has_sales_navigator=False) & _IS_KNOWN),
        ("sales_navigator", "Sales Navigator", Q(has_sales_navigator=True) & _IS_KNOWN),
        ("free", "free", Q(is_premium=False, has_sales_navigator=False) & _IS_KNOWN),
        ("unknown", "unknown", ~_IS_KNOWN),
    ]


def _answered_within(age: timedelta) -> Q:
    # A time ahead of the database's clock has no age.
    return Q(answered_at__range=(Now() - age, Now()))


class FreshnessFilter(_ChoiceFilter):
    title = "last refreshed"
    parameter_name = "refreshed"
    conditions = [
        ("never", "Never", ~_IS_KNOWN),
        ("hour", "Not for an hour", ~_answered_within(timedelta(hours=1))),
        ("day", "Not for a day", ~_answered_within(timedelta(days=1))),
        ("week", "Not for a week", ~_answered_within(timedelta(weeks=1))),
    ]


class FailureFilter(_ChoiceFilter):
    title = "last error"
    parameter_name = "failed"
    conditions = [
        ("any", "Failed", ~Q(last_error="")),
        *((code, reason(code), Q(last_error=code)) for code in CODES),
    ]
