"""What the list can be narrowed to. An account without an answer is unknown, whatever it stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from unipile_accounts.models import UnipileAccount

_UNREAD = Q(refreshed_at=None)
_READ = ~_UNREAD
_UNANSWERED = Q(answered_at=None)
_CONNECTED = Q(status=UnipileAccount.Status.CONNECTED)


def _not_for(age: timedelta) -> Q:
    # A time ahead of the clock has no age.
    return _UNANSWERED | Q(answered_at__lt=Now() - age) | Q(answered_at__gt=Now())


Accounts = QuerySet[UnipileAccount]
Choice = tuple[str, Any, Q]


class _ChoiceFilter(admin.SimpleListFilter):
    conditions: list[Choice]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label, condition in self.conditions]

    def queryset(self, request: HttpRequest, queryset: Accounts) -> Accounts:
        for value, _label, condition in self.conditions:
            if value == self.value():
                return queryset.filter(condition)
        return queryset


class StatusFilter(_ChoiceFilter):
    title = _("status")
    parameter_name = "status"
    conditions = [
        ("connected", _("connected"), _CONNECTED & ~_UNANSWERED),
        (
            "credentials_required",
            _("credentials required"),
            Q(status=UnipileAccount.Status.CREDENTIALS_REQUIRED),
        ),
        (
            "disconnected",
            _("disconnected"),
            Q(status=UnipileAccount.Status.DISCONNECTED, given_up_at=None),
        ),
        ("given_up", _("given up"), ~Q(given_up_at=None)),
        ("unknown", _("unknown"), _CONNECTED & _UNANSWERED),
    ]


class PlanFilter(_ChoiceFilter):
    title = _("plan")
    parameter_name = "plan"
    conditions = [
        ("premium", _("premium"), Q(is_premium=True, has_sales_navigator=False) & _READ),
        ("sales_navigator", _("Sales Navigator"), Q(has_sales_navigator=True) & _READ),
        ("free", _("free"), Q(is_premium=False, has_sales_navigator=False) & _READ),
        ("unknown", _("unknown"), _UNREAD),
    ]


class FreshnessFilter(_ChoiceFilter):
    title = _("last refreshed")
    parameter_name = "refreshed"
    conditions = [
        ("never", _("Never"), _UNREAD),
        ("hour", _("Not for an hour"), _not_for(timedelta(hours=1))),
        ("day", _("Not for a day"), _not_for(timedelta(days=1))),
        ("week", _("Not for a week"), _not_for(timedelta(weeks=1))),
    ]


class FailureFilter(admin.SimpleListFilter):
    """Accounts whose last refresh failed, whatever the reason or for one of these."""

    title = _("last error")
    parameter_name = "failed"
    CODES = [
        "reconnect_required",
        "account_unavailable",
        "not_linkedin",
        "premium_status_pending",
        "unipile_account_not_listed",
        "unipile_error",
        "unipile_rate_limited",
        "unipile_timeout",
        "unipile_unavailable",
        "database_unavailable",
    ]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("any", _("Failed")), *((code, code) for code in self.CODES)]

    def queryset(self, request: HttpRequest, queryset: Accounts) -> Accounts:
        if self.value() == "any":
            return queryset.exclude(last_error="")
        if self.value() in self.CODES:
            return queryset.filter(last_error=self.value())
        return queryset


class OwnerFilter(admin.SimpleListFilter):
    """One owner's accounts, for the links from an owner's name; not there without one."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        pk = self.value()
        if pk is None:
            return []
        try:
            users = get_user_model().objects.filter(pk=pk)
            return [(str(user.pk), user.get_username()) for user in users]
        except (ValueError, ValidationError):
            return []

    def queryset(self, request: HttpRequest, queryset: Accounts) -> Accounts:
        pk = self.value()
        return queryset if pk is None else queryset.filter(user_id=pk)


class MemberFilter(admin.SimpleListFilter):
    """One LinkedIn member's accounts, for the link between them; not there without one."""

    title = _("LinkedIn member")
    parameter_name = "member"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        value = self.value()
        return [(value, value)] if value and "\0" not in value else []

    def queryset(self, request: HttpRequest, queryset: Accounts) -> Accounts:
        return queryset.filter(linkedin_id=self.value()) if self.value() else queryset
