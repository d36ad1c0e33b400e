"""What staff can have done to accounts, from the list and from an account's page."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin.message import RefreshMessage
from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileNotAsked,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[UnipileAccount]
else:
    ModelAdmin = admin.ModelAdmin

# A request that is still running 20 seconds after its server was told to stop is cut off
# (gunicorn.conf.py), and proxies give up after 30 or 60. The message must be on its way by then.
SECONDS = 15.0
# When Unipile fails, those that are left fail one by one; 100,000 take longer than this.
SECONDS_TO_FAIL = 3.0

_URL = "unipile_accounts_unipileaccount"


def refresh(
    request: HttpRequest,
    accounts: UnipileAccountQuerySet,
    *,
    live: bool = False,
    just_added: bool = False,
) -> None:
    """Refresh these accounts, and tell the user how it went."""
    deadline = time.monotonic() + SECONDS + SECONDS_TO_FAIL
    message = RefreshMessage(accounts.count(), just_added=just_added)
    try:
        for result in refresh_accounts(
            accounts, door=Door.ADMIN, user=request.user, live=live, seconds=SECONDS
        ):
            if isinstance(result.error, UnipileNotAsked) or time.monotonic() > deadline:
                message.cut_short()
                break
            message.add(result)
    except (UnipileNotConfigured, UnipileAuthenticationError) as exc:
        message.stopped_by = exc
    messages.add_message(request, message.level, message.html())


class RefreshActions(ModelAdmin):
    """Two actions of the list, and two buttons of the page that do the same to one account."""

    actions = ["refresh_from_unipile", "ask_linkedin"]

    def has_refresh_permission(
        self, request: HttpRequest, obj: UnipileAccount | None = None
    ) -> bool:
        return request.user.has_perm("unipile_accounts.refresh_unipileaccount")

    @admin.action(
        description=gettext_lazy("Refresh premium status from Unipile"), permissions=["refresh"]
    )
    def refresh_from_unipile(self, request: HttpRequest, queryset: UnipileAccountQuerySet) -> None:
        refresh(request, queryset)

    @admin.action(
        description=gettext_lazy("Ask LinkedIn itself for the plan"), permissions=["refresh"]
    )
    def ask_linkedin(self, request: HttpRequest, queryset: UnipileAccountQuerySet) -> None:
        refresh(request, queryset, live=True)

    def get_urls(self) -> list[URLPattern]:
        buttons: dict[str, Callable[..., None]] = {
            "refresh": refresh,
            "ask_linkedin": partial(refresh, live=True),
        }
        return [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(partial(self.button_view, act=act)),
                name=f"{_URL}_{name}",
            )
            for name, act in buttons.items()
        ] + super().get_urls()

    def button_view(
        self, request: HttpRequest, object_id: str, *, act: Callable[..., None]
    ) -> HttpResponse:
        """Do something to one account, at a button of its page."""
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
        act(request, UnipileAccount.objects.filter(pk=account.pk))
        return self._redirect(request, reverse(f"admin:{_URL}_change", args=[account.pk]))

    def _redirect(self, request: HttpRequest, url: str) -> HttpResponse:
        """Go there, and keep the list's filters for the way back."""
        filters = self.get_preserved_filters(request)
        context: dict[str, Any] = {"preserved_filters": filters, "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(context, url))
