"""The admin's door to a refresh, and to the accounts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Field, QuerySet
from django.forms import Field as FormField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin import columns
from unipile_accounts.admin.filters import FreshnessFilter
from unipile_accounts.admin.refreshing import refresh
from unipile_accounts.admin.search import starting_with
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[UnipileAccount]
else:
    ModelAdmin = admin.ModelAdmin

# No name, address or id is longer, and a database takes only so many words.
LONGEST_SEARCH = 255

# The columns need the room, and there is not much to navigate to.
_WIDE = {"is_nav_sidebar_enabled": False}
_URL = "unipile_accounts_unipileaccount"

_FROM_UNIPILE = (
    "name",
    "profile_link",
    "is_premium",
    "has_sales_navigator",
    "weekly_connection_limit",
    "weekly_message_limit",
    "exactly_refreshed",
)
_RECORD = ("id", "created_at", "updated_at")


@admin.register(UnipileAccount)
class UnipileAccountAdmin(ModelAdmin):
    list_display = [
        "account_name",
        "owner",
        "status_with_icon",
        "is_premium",
        "has_sales_navigator",
        "weekly_limits",
        "last_refreshed",
        "unipile_account_id",
    ]
    list_filter = ["status", "is_premium", "has_sales_navigator", FreshnessFilter]
    list_select_related = ["user"]
    # The latest customers first, along the foreign key's index.
    ordering = ["-user_id"]
    # Counting 100,000 rows once is enough.
    show_full_result_count = False
    search_fields = ["name", "user__username", "user__email", "unipile_account_id"]
    search_help_text = gettext_lazy(
        "Name, owner's username or e-mail address, Unipile id, or the account's id"
    )
    autocomplete_fields = ["user"]
    actions = ["refresh_from_unipile"]
    # What Unipile decides is never edited; the owner and, once reconnected, the status may be.
    readonly_fields = [*_FROM_UNIPILE, *_RECORD]

    class Media:
        css = {"all": ["unipile_accounts/admin.css"]}

    # --- Columns ----------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def account_name(self, account: UnipileAccount) -> str:
        return columns.isolated(account.name) if account.name else _("(no name yet)")

    @admin.display(description=gettext_lazy("owner"), ordering="user__username")
    def owner(self, account: UnipileAccount) -> SafeString:
        return columns.isolated(account.user.get_username())

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def status_with_icon(self, account: UnipileAccount) -> SafeString:
        return columns.status(account)

    @admin.display(description=gettext_lazy("weekly limits"), ordering="weekly_connection_limit")
    def weekly_limits(self, account: UnipileAccount) -> SafeString:
        return columns.weekly_limits(account)

    @admin.display(description=gettext_lazy("last refreshed"), ordering="refreshed_at")
    def last_refreshed(self, account: UnipileAccount) -> str:
        return columns.moment(account.refreshed_at) if account.refreshed_at else _("never")

    @admin.display(description=gettext_lazy("last refreshed"))
    def exactly_refreshed(self, account: UnipileAccount) -> str:
        return columns.exact_moment(account.refreshed_at) if account.refreshed_at else _("never")

    @admin.display(description=gettext_lazy("profile URL"))
    def profile_link(self, account: UnipileAccount) -> str:
        return columns.profile_link(account)

    # --- The list ---------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django would leave a forbidden action out of the choices, and answer as if nothing was.
        action = self.refresh_from_unipile.__name__
        if action in request.POST.getlist("action") and not self.has_refresh_permission(request):
            raise PermissionDenied
        return super().changelist_view(request, {**_WIDE, **(extra_context or {})})

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount]
    ) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset)
        except ValidationError:
            # Something was selected that is no id, which takes a hand-made request.
            self.message_user(request, _("No account was selected."), messages.WARNING)
            return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UnipileAccount], search_term: str
    ) -> tuple[QuerySet[UnipileAccount], bool]:
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        by_id = starting_with(search_term, queryset)
        return (found if by_id is None else found | by_id), may_have_duplicates

    # --- Forms ------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["user", "unipile_account_id"]})]
        edited = ("user", "unipile_account_id", "status")
        # To those who only look, Django would link the owner's page, which they may not open.
        shown = ("owner", "unipile_account_id", "status_with_icon")
        fields = edited if self.has_change_permission(request, obj) else shown
        return [
            (None, {"fields": fields}),
            (_("What Unipile says"), {"fields": _FROM_UNIPILE}),
            (_("Record"), {"fields": _RECORD}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: UnipileAccount | None = None) -> Any:
        return [*self.readonly_fields, "unipile_account_id"] if obj else self.readonly_fields

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        # What was edited is told by what the form showed, not by what a refresh wrote meanwhile.
        kwargs["show_hidden_initial"] = True
        if db_field.name == "status":
            kwargs["help_text"] = _(
                "Every refresh sets it. A disconnected account is not read: when it has been"
                " reconnected, set it to connected and refresh it."
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: UnipileAccount, form: ModelForm[Any], change: bool
    ) -> None:
        """Write what was edited and nothing else: a refresh may have written the rest meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            obj.save(update_fields=[*form.changed_data, "updated_at"])

    def response_add(
        self, request: HttpRequest, obj: UnipileAccount, post_url_continue: str | None = None
    ) -> HttpResponse:
        # A refresh is never part of a transaction, and Django is in one until the row is added.
        transaction.on_commit(partial(self._refresh_added, request, obj))
        return super().response_add(request, obj, post_url_continue)

    def _refresh_added(self, request: HttpRequest, account: UnipileAccount) -> None:
        if not self.has_refresh_permission(request, account):
            text = _("The account was not refreshed, because you may not refresh accounts.")
            self.message_user(request, text, messages.WARNING)
            return
        refresh(
            request,
            UnipileAccount.objects.filter(pk=account.pk),
            on_failure=_(
                "It is stored all the same. If its Unipile id is right, do what is said above and"
                " refresh it then; if not, delete it and add it once more."
            ),
        )

    # --- Refreshing -------------------------------------------------------------------------------

    def has_refresh_permission(
        self, request: HttpRequest, obj: UnipileAccount | None = None
    ) -> bool:
        return request.user.has_perm("unipile_accounts.refresh_unipileaccount")

    @admin.action(
        description=gettext_lazy("Refresh premium status from Unipile"), permissions=["refresh"]
    )
    def refresh_from_unipile(self, request: HttpRequest, queryset: UnipileAccountQuerySet) -> None:
        refresh(request, queryset)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refresh_view)
        return [
            path("<path:object_id>/refresh/", view, name=f"{_URL}_refresh"),
            *super().get_urls(),
        ]

    def refresh_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refresh one account, at the button of its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        account = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(
            request, account
        ) or not self.has_refresh_permission(request, account):
            raise PermissionDenied
        if account is None:
            text = _("There is no such account any more. Nothing was refreshed.")
            self.message_user(request, text, messages.WARNING)
            return self._redirect(request, reverse(f"admin:{_URL}_changelist"))
        refresh(request, UnipileAccount.objects.filter(pk=account.pk))
        return self._redirect(request, reverse(f"admin:{_URL}_change", args=[account.pk]))

    def _redirect(self, request: HttpRequest, url: str) -> HttpResponse:
        """Go there, and keep the list's filters for the way back."""
        filters = self.get_preserved_filters(request)
        context: dict[str, Any] = {"preserved_filters": filters, "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(context, url))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context["original"] if kwargs.get("change") else None
        context |= _WIDE
        context["has_refresh_permission"] = self.has_refresh_permission(request, account)
        return super().render_change_form(request, context, *args, **kwargs)
