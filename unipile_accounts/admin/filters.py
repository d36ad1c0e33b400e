from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.models import UnipileAccount

_AGES = {"day": timedelta(days=1), "week": timedelta(weeks=1)}


class FreshnessFilter(admin.SimpleListFilter):
    """Accounts whose stored answer is old; one that was never refreshed is as old as can be."""

    title = gettext_lazy("last refreshed")
    parameter_name = "refreshed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("never", _("Never")),
            ("day", _("Not for a day")),
            ("week", _("Not for a week")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount]
    ) -> QuerySet[UnipileAccount]:
        never = Q(refreshed_at=None)
        if self.value() == "never":
            return queryset.filter(never)
        if age := _AGES.get(self.value() or ""):
            return queryset.filter(never | Q(refreshed_at__lt=timezone.now() - age))
        return queryset
