"""What staff can do about an account's life: links to log in on, and disconnecting."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from unipile_accounts.admin.values import isolated
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import create_reconnect_link, disconnect_account

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[UnipileAccount]
else:
    ModelAdmin = admin.ModelAdmin

NAMED = 10
# More than these nobody sends or checks by hand.
MOST_LINKS, MOST_DISCONNECTED = 10, 100
# Each account is a request to Unipile, and the page must be there before a proxy gives up.
SECONDS = 15.0


class LifeActions(ModelAdmin):
    """Actions of the list; the buttons of an account's page post them for one account."""

    actions = ["make_reconnect_links", "disconnect"]

    @admin.action(description=gettext_lazy("Make a link to reconnect"), permissions=["refresh"])
    def make_reconnect_links(
        self, request: HttpRequest, queryset: UnipileAccountQuerySet
    ) -> HttpResponse | None:
        show_links(
            request,
            queryset,
            lambda account: create_reconnect_link(UnipileAccount.objects.all(), account.pk),
        )
        if queryset.count() == 1:
            return redirect(f"{queryset.get().pk}/change/")
        return None

    @admin.action(description=gettext_lazy("Disconnect"), permissions=["change"])
    def disconnect(
        self, request: HttpRequest, queryset: UnipileAccountQuerySet
    ) -> HttpResponse | None:
        count = queryset.count()
        if _are_too_many(request, count, most=MOST_DISCONNECTED):
            return None
        if "confirmed" in request.POST:
            _disconnect(request, queryset)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Disconnect accounts"),
            "opts": self.opts,
            "media": self.media,
            "count": count,
            "named": queryset.select_related("user")[:NAMED],
            "more": max(0, count - NAMED),
            "selected": request.POST.getlist("_selected_action"),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/unipile_accounts/disconnect.html", context)


def show_links(request: HttpRequest, rows: Any, make: Callable[[Any], str]) -> None:
    """Show a link for each of these rows, to be copied and sent, or why there is none."""
    if _are_too_many(request, rows.count(), most=MOST_LINKS):
        return
    deadline = time.monotonic() + SECONDS
    for row in rows:
        if time.monotonic() > deadline:
            messages.warning(request, _("Unipile is slow. The other links were not made."))
            return
        try:
            url = make(row)
        except UnipileAccount.DoesNotExist:
            continue
        except (UnipileError, UnipileNotConfigured) as exc:
            messages.error(request, _failure(row, exc))
        else:
            messages.success(request, _link(row, url))


def _are_too_many(request: HttpRequest, count: int, *, most: int) -> bool:
    if count > most:
        text = _("Select at most %(most)d. Nothing was done.") % {"most": most}
        messages.warning(request, text)
    return count > most


def _link(row: Model, url: str) -> SafeString:
    return format_html(
        '{}<br><input class="link" readonly aria-label="{}" value="{}">',
        format_html(
            _("A link for {}. Send it to the customer: it works once, within an hour."),
            isolated(str(row)),
        ),
        _("Link for %(name)s") % {"name": row},
        url,
    )


def _failure(row: Model, exc: UnipileError | UnipileNotConfigured) -> SafeString:
    # What is missing in the settings is in the words of the error.
    why = str(exc) if isinstance(exc, UnipileNotConfigured) else exc.advice
    return format_html(_("No link for {}: {}"), isolated(str(row)), why)


# How each end is told. Of those that went well, only the number.
_ENDS = {
    "kept": (
        messages.WARNING,
        gettext_lazy("Unipile did not delete {}. Disconnect again to try once more."),
    ),
    "locked": (messages.ERROR, gettext_lazy("Locked in our database, so nothing was done: {}.")),
    "left": (messages.ERROR, gettext_lazy("Not reached in time, so nothing was done: {}.")),
}


def _disconnect(request: HttpRequest, accounts: UnipileAccountQuerySet) -> None:
    ends: dict[str, list[UnipileAccount]] = defaultdict(list)
    deadline = time.monotonic() + SECONDS
    for account in accounts:
        is_late = time.monotonic() > deadline
        ends["left" if is_late else _disconnect_one(request, account)].append(account)
    if count := len(ends["done"]) + len(ends["kept"]):
        text = ngettext(
            "%(count)d account disconnected.", "%(count)d accounts disconnected.", count
        )
        messages.success(request, text % {"count": count})
    for end, (level, words) in _ENDS.items():
        if ends[end]:
            messages.add_message(request, level, format_html(str(words), _names(ends[end])))


def _disconnect_one(request: HttpRequest, account: UnipileAccount) -> str:
    rows = UnipileAccount.objects.all()
    try:
        is_gone = disconnect_account(rows, account.pk, door=Door.ADMIN, user=request.user)
    except UnipileAccount.DoesNotExist:
        return "done"
    except UnipileError:
        return "locked"
    return "done" if is_gone else "kept"


def _names(accounts: list[UnipileAccount]) -> SafeString:
    named: Iterable[tuple[str]] = ((isolated(str(account)),) for account in accounts[:NAMED])
    names = format_html_join(", ", "{}", named)
    more = len(accounts) - NAMED
    return format_html(_("{} and {} more"), names, more) if more > 0 else names
