"""The accounts in the admin, with their list, search, forms and history."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin import columns
from unipile_accounts.admin.actions import ask_linkedin, refresh, refresh_from_unipile
from unipile_accounts.admin.base import PuffleAdmin, delete_selected
from unipile_accounts.admin.filters import (
    FailureFilter,
    FreshnessFilter,
    PlanFilter,
    StatusFilter,
)
from unipile_accounts.admin.forms import AccountForm
from unipile_accounts.admin.history import LATEST, MOST, table
from unipile_accounts.admin.life import disconnect, make_reconnect_links
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services import add_account, move_account

# No searchable column is longer, and every word adds a condition.
LONGEST_SEARCH = 255

_ANSWERS = (columns.plan, columns.weekly_limits, columns.last_refreshed, columns.status)
_IDENTITY = (columns.account_name, columns.profile_link, columns.linkedin_member)
_RECORD = ("id", columns.last_tried, "created_at", "updated_at")


@admin.register(UnipileAccount)
class UnipileAccountAdmin(PuffleAdmin):
    actions: Any = [
        refresh_from_unipile,
        ask_linkedin,
        make_reconnect_links,
        disconnect,
        delete_selected,
    ]
    form = AccountForm
    list_display = [
        columns.account_name,
        columns.owner,
        columns.status,
        columns.plan,
        columns.weekly_limits,
        columns.last_refreshed,
        columns.last_error,
    ]
    list_filter = [StatusFilter, PlanFilter, FreshnessFilter, FailureFilter]
    list_select_related = ["user"]
    # The latest customers first, along the foreign key's index.
    ordering = ["-user_id"]
    # Counting 100,000 rows once is enough.
    show_full_result_count = False
    search_fields = ["^id", "name", "user__username", "user__email", "unipile_account_id"]
    search_help_text = gettext_lazy(
        "Name, LinkedIn profile, owner's username or e-mail address, Unipile id, or the account's"
        " id"
    )
    autocomplete_fields = ["user"]
    # What Unipile decides is never edited. The owner may be. The stubs know names only.
    readonly_fields: ClassVar[Any] = [
        *_ANSWERS,
        columns.owner,
        *_IDENTITY,
        "latest_changes",
        *_RECORD,
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount], search_term: str
    ) -> tuple[QuerySet[UnipileAccount], bool]:
        """Find a LinkedIn profile too, by an address as it was copied or by its last part."""
        words = search_term[:LONGEST_SEARCH]
        found, may_have_duplicates = super().get_search_results(request, queryset, words)
        slug = re.split(r"linkedin\.com/in/", search_term.strip(), flags=re.I)[-1]
        slug = quote(unquote(re.split("[/?#]", slug)[0]), errors="replace")
        return found | queryset.filter(profile_url__iendswith=f"/in/{slug}"), may_have_duplicates

    # --- Forms ------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["user", "unipile_account_id"]})]
        # Django links the owner's page also for those who may not open it.
        may_open = self.has_change_permission(request, obj) or request.user.has_perm(
            "auth.view_user"
        )
        owner = "user" if may_open else columns.owner
        return [
            (None, {"fields": (*_ANSWERS, owner)}),
            (_("Who it is"), {"fields": ("unipile_account_id", *_IDENTITY)}),
            (_("Latest changes"), {"fields": ["latest_changes"]}),
            (_("Record"), {"fields": _RECORD}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        return [*self.readonly_fields, "unipile_account_id"] if obj else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: UnipileAccount, form: ModelForm[Any], change: bool
    ) -> None:
        """Write what was edited and nothing else. A refresh may have written the rest meanwhile."""
        if not change:
            add_account(obj, user=request.user)
        elif "user" in form.changed_data:
            move_account(obj.pk, obj.user_id, user=request.user)

    def response_add(
        self, request: HttpRequest, obj: UnipileAccount, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        # A refresh is never part of a transaction, and Django is in one until the row is added.
        transaction.on_commit(partial(self._refresh_added, request, obj))
        return response

    def _refresh_added(self, request: HttpRequest, account: UnipileAccount) -> None:
        if self.has_refresh_permission(request):
            refresh(request, UnipileAccount.objects.filter(pk=account.pk), just_added=True)
            return
        text = _("The account was not refreshed, because you may not refresh accounts.")
        self.message_user(request, text, messages.WARNING)

    # --- Deleting ---------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        *rest, protected = super().get_deleted_objects(objs, request)
        return *rest, [*protected, *(columns.link(row) for row in _living(objs))]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context["original"]
        context["show_delete"] = account and not _living([account])
        return super().render_change_form(request, context, *args, **kwargs)

    # --- History ----------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("changes"))
    def latest_changes(self, account: UnipileAccount) -> SafeString:
        return table(account, most=LATEST)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        changes = table(account, most=MOST) if account else ""
        return super().history_view(
            request, object_id, {"changes": changes, **(extra_context or {})}
        )


def _living(accounts: Any) -> list[UnipileAccount]:
    """Return those that would live on at Unipile."""
    pks = [account.pk for account in accounts]
    deletable = set(UnipileAccount.objects.deletable().filter(pk__in=pks))
    return [account for account in accounts if account not in deletable]
