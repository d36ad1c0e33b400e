"""The accounts in the admin: the list, its search, and the forms."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin import columns
from unipile_accounts.admin.actions import RefreshActions, refresh
from unipile_accounts.admin.filters import (
    FailureFilter,
    FreshnessFilter,
    MemberFilter,
    OwnerFilter,
    PlanFilter,
    StatusFilter,
)
from unipile_accounts.admin.forms import AccountForm
from unipile_accounts.admin.history import LATEST, MOST, table
from unipile_accounts.admin.life import LifeActions
from unipile_accounts.admin.search import special_condition
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services import add_account, move_account

# No name, address or id is longer, and a database takes only so many words.
LONGEST_SEARCH = 255

_ANSWERS = (columns.plan, columns.weekly_limits, columns.exactly_refreshed, columns.status)
_IDENTITY = (columns.account_name, columns.profile_link, columns.linkedin_member)
_RECORD = ("id", columns.exactly_tried, columns.created, columns.updated)


@admin.register(UnipileAccount)
class UnipileAccountAdmin(RefreshActions, LifeActions):
    actions: Any = [*RefreshActions.actions, *LifeActions.actions]
    form = AccountForm
    list_display = [
        columns.account_name,
        columns.owner,
        columns.status,
        columns.plan,
        columns.weekly_limits,
        columns.last_refreshed,
        columns.last_error,
        "unipile_account_id",
    ]
    list_filter = [
        StatusFilter,
        PlanFilter,
        FreshnessFilter,
        FailureFilter,
        OwnerFilter,
        MemberFilter,
    ]
    list_select_related = ["user"]
    # The latest customers first, along the foreign key's index.
    ordering = ["-user_id"]
    # Counting 100,000 rows once is enough.
    show_full_result_count = False
    search_fields = ["name", "user__username", "user__email", "unipile_account_id"]
    search_help_text = gettext_lazy(
        "Name, LinkedIn address, owner's username or e-mail address, Unipile id, or the account's"
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

    class Media:
        css = {"all": ["unipile_accounts/admin.css"]}
        js = ["unipile_accounts/admin.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnipileAccount]:
        return UnipileAccount.objects.with_database_time().order_by(*self.ordering)

    # --- The list ---------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django would leave a forbidden action out of the choices, and answer as if nothing was.
        asked = set(request.POST.getlist("action")) & set(self.actions)
        if asked - self.get_actions(request).keys():
            raise PermissionDenied
        try:
            return super().changelist_view(request, extra_context)
        except ValidationError:
            # Something was selected that is no id, which takes a hand-made request.
            self.message_user(request, _("No account was selected."), messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount], search_term: str
    ) -> tuple[QuerySet[UnipileAccount], bool]:
        condition = special_condition(search_term)
        found = queryset.filter(condition) if condition else queryset.none()
        if len(search_term) > LONGEST_SEARCH:
            return found, False
        by_words, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        return found | by_words, may_have_duplicates

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
        # A refresh is never part of a transaction, and Django is in one until the row is added.
        transaction.on_commit(partial(self._refresh_added, request, obj))
        return super().response_add(request, obj, post_url_continue)

    def _refresh_added(self, request: HttpRequest, account: UnipileAccount) -> None:
        if self.has_refresh_permission(request, account):
            refresh(request, UnipileAccount.objects.filter(pk=account.pk), just_added=True)
            return
        text = _("The account was not refreshed, because you may not refresh accounts.")
        self.message_user(request, text, messages.WARNING)

    # --- History ----------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("changes"))
    def latest_changes(self, account: UnipileAccount) -> SafeString:
        return table(account.changes.select_related("user")[:LATEST])

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        changes = account.changes.select_related("user")[:MOST] if account else []
        return super().history_view(
            request, object_id, {"changes": table(changes), **(extra_context or {})}
        )
