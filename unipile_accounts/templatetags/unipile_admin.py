"""What the admin's pages tell about accounts."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Count
from django.urls import reverse

from unipile_accounts.admin.columns import link
from unipile_accounts.admin.filters import PlanFilter, StatusFilter
from unipile_accounts.admin.words import in_words
from unipile_accounts.models import UnipileAccount

register = template.Library()
register.filter("account_link", link)
register.filter("in_words", in_words)


@register.inclusion_tag("admin/unipile_accounts/changes.html")
def latest_changes(account: UnipileAccount, most: int) -> dict[str, Any]:
    return {"entries": account.changes.select_related("user", "owner")[:most]}


@register.simple_tag
def account_overview() -> list[dict[str, Any]]:
    """Count accounts in one query as the list's filters do, with the address of those counted."""
    filters = {each.parameter_name: each for each in (StatusFilter, PlanFilter)}
    counts = UnipileAccount.objects.aggregate(
        **{
            f"{name}_{value}": Count("pk", filter=condition)
            for name, each in filters.items()
            for value, _label, condition in each.conditions
        }
    )
    url = reverse("admin:unipile_accounts_unipileaccount_changelist")
    return [
        {
            "title": each.title,
            "rows": [
                (f"{url}?{name}={value}", label, counts[f"{name}_{value}"])
                for value, label, _condition in each.conditions
            ],
        }
        for name, each in filters.items()
    ]
