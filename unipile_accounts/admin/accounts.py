"""The accounts in the admin, with their list, search and forms."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote, unquote
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from unipile_accounts.admin import columns
from unipile_accounts.admin.base import PuffleAdmin, delete_selected
from unipile_accounts.admin.filters import FailureFilter, FreshnessFilter, PlanFilter, StatusFilter
from unipile_accounts.admin.life import disconnect, make_reconnect_links
from unipile_accounts.admin.refreshing import ask_linkedin, refresh, refresh_from_unipile
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door, Origin
from unipile_accounts.services import add_account, move_account

_ANSWERS = (columns.plan, columns.weekly_limits, columns.last_refreshed, columns.status)
_IDENTITY = (columns.account_name, "profile_url", columns.linkedin_member)
_RECORD = ("id", columns.last_error, "last_tried_at", "created_at", "updated_at")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Adds an account, and gives it another owner later. Unipile decides all else."""

    class Meta:
        model = UnipileAccount
        fields = ["user", "unipile_account_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" in self.fields:
            # Compare with the owner the form showed, so that a change meanwhile is no edit.
            self.fields["user"].show_hidden_initial = True
            self.fields["user"].widget.can_delete_related = False

    def clean_user(self) -> Any:
        """Refuse an owner who has the account's LinkedIn member already."""
        owner = self.cleaned_data["user"]
        others = UnipileAccount.objects.exclude(linkedin_id="").exclude(pk=self.instance.pk)
        other = others.filter(user=owner, linkedin_id=self.instance.linkedin_id).first()
        if other is None:
            return owner
        raise ValidationError(
            f"This owner has an account of the same LinkedIn member already: {other}. Delete that"
            " one first. If it is not given up, disconnect it before."
        )


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
    search_help_text = (
        "Name, LinkedIn profile, owner's username or e-mail address, Unipile id, or the account's"
        " id"
    )
    autocomplete_fields = ["user"]
    # What Unipile decides is never edited. The owner may be. The stubs know names only.
    readonly_fields: ClassVar[Any] = [*_ANSWERS, columns.owner, *_IDENTITY, *_RECORD]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount], search_term: str
    ) -> tuple[QuerySet[UnipileAccount], bool]:
        """Find a LinkedIn profile too, by an address as it was copied or by its last part."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        slug = re.split(r"linkedin\.com/in/", search_term.strip(), flags=re.I)[-1]
        slug = quote(unquote(re.split("[/?#]", slug)[0]), errors="replace")
        return found | queryset.filter(profile_url__iendswith=f"/in/{slug}"), may_have_duplicates

    # --- Forms ------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["user", "unipile_account_id"]})]
        owner = "user" if self.has_change_permission(request, obj) else columns.owner
        return [
            (None, {"fields": (*_ANSWERS, owner)}),
            ("Who it is", {"fields": ("unipile_account_id", *_IDENTITY)}),
            ("Record", {"fields": _RECORD}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        return [*self.readonly_fields, "unipile_account_id"] if obj else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: UnipileAccount, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Write what was edited and nothing else. A refresh may have written the rest meanwhile."""
        origin = Origin(Door.ADMIN, request.user)
        if not change:
            add_account(obj, origin)
        elif "user" in form.changed_data:
            move_account(obj.pk, obj.user_id, origin)

    def response_add(
        self, request: HttpRequest, obj: UnipileAccount, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        if self.has_refresh_permission(request):
            # A refresh is never part of a transaction, as this is.
            transaction.on_commit(partial(_refresh_added, request, obj.pk))
        return response

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


def _refresh_added(request: HttpRequest, pk: UUID) -> None:
    added = UnipileAccount.objects.filter(pk=pk)
    refresh(request, added)
    if added.filter(refreshed_at=None):
        text = (
            "The account is stored all the same. Check its Unipile id. If it is wrong, disconnect"
            " and delete the account, then add it again."
        )
        messages.warning(request, text)


def _living(accounts: Any) -> QuerySet[UnipileAccount]:
    """Return those that would live on at Unipile."""
    rows = UnipileAccount.objects.filter(pk__in=[account.pk for account in accounts])
    return rows.exclude(pk__in=UnipileAccount.objects.deletable())
