"""The page of a user, with the accounts that this user owns."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from unipile_accounts.admin import columns
from unipile_accounts.admin.base import PuffleAdmin, delete_selected
from unipile_accounts.admin.life import make_connect_links
from unipile_accounts.models import UnipileAccount


def _never(self: Any, request: HttpRequest, obj: Any = None) -> bool:
    return False


class AccountInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic when it runs
    """Shows the accounts, each with a link to its page, and edits none."""

    model = UnipileAccount
    verbose_name_plural = "Unipile accounts"
    show_change_link = True
    ordering = ["created_at"]
    # The stubs know names only.
    fields: ClassVar[Any] = [
        columns.status,
        columns.plan,
        columns.weekly_limits,
        columns.last_refreshed,
        columns.last_error,
    ]
    readonly_fields = fields
    has_add_permission = has_change_permission = has_delete_permission = _never


class OwnerAdmin(PuffleAdmin, UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    change_form_template = "admin/unipile_accounts/owner_change_form.html"
    actions: Any = [make_connect_links, delete_selected]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [AccountInline] if obj else []


admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), OwnerAdmin)
