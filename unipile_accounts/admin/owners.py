"""The page of a user, with the accounts that this user owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from unipile_accounts.admin import columns
from unipile_accounts.admin.life import show_links
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services import create_connect_link

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[UnipileAccount, Any]
else:
    TabularInline = admin.TabularInline


class AccountInline(TabularInline):
    """Shows the accounts, each with a link to its page, and edits none."""

    model = UnipileAccount
    verbose_name_plural = _("Unipile accounts")
    show_change_link = True
    extra = 0
    # The stubs know names only.
    fields: ClassVar[Any] = [
        columns.status,
        columns.plan,
        columns.weekly_limits,
        columns.last_refreshed,
        columns.last_error,
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnipileAccount]:
        return UnipileAccount.objects.with_database_time().order_by("created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnerAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    change_form_template = "admin/unipile_accounts/owner_change_form.html"
    actions = ["make_connect_links"]

    class Media:
        css = {"all": ["unipile_accounts/admin.css"]}
        js = ["unipile_accounts/admin.js"]

    def has_refresh_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("unipile_accounts.refresh_unipileaccount")

    @admin.action(description=_("Make a link to connect LinkedIn"), permissions=["refresh"])
    def make_connect_links(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        show_links(request, queryset, create_connect_link)
        if queryset.count() == 1:
            return redirect(f"{queryset.get().pk}/change/")
        return None

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [AccountInline] if obj else []


admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), OwnerAdmin)
