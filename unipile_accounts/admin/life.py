"""Links on which customers log in, and disconnecting."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin.base import NAMED, SECONDS, back
from unipile_accounts.admin.errors import advice
from unipile_accounts.admin.values import isolated
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import (
    create_connect_link,
    create_reconnect_link,
    disconnect_account,
)

# More than these nobody sends or checks by hand.
MOST_LINKS, MOST_DISCONNECTED = 10, 100


@admin.action(description=gettext_lazy("Make a link to reconnect"), permissions=["refresh"])
def make_reconnect_links(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> HttpResponse | None:
    accounts = UnipileAccount.objects.all()
    _show_links(request, queryset, lambda row: create_reconnect_link(accounts, row.pk))
    return back(model_admin, request)


@admin.action(description=gettext_lazy("Make a link to connect LinkedIn"), permissions=["refresh"])
def make_connect_links(
    model_admin: Any, request: HttpRequest, queryset: Any
) -> HttpResponse | None:
    _show_links(request, queryset, create_connect_link)
    return back(model_admin, request)


def _show_links(request: HttpRequest, rows: Any, make: Callable[[Any], str]) -> None:
    """Show a link for each of these rows, to be copied and sent, or why there is none."""
    if _are_too_many(request, rows, most=MOST_LINKS):
        return
    deadline = time.monotonic() + SECONDS
    for row in rows:
        if time.monotonic() > deadline:
            messages.warning(request, _("Unipile is slow. The other links were not made."))
            return
        try:
            url = make(row)
        except ObjectDoesNotExist:
            continue
        except (UnipileError, UnipileNotConfigured) as exc:
            messages.error(request, _failure(row, exc))
        else:
            messages.success(request, _link(row, url))


def _are_too_many(request: HttpRequest, rows: Any, *, most: int) -> bool:
    are_too_many = bool(rows.count() > most)
    if are_too_many:
        text = _("Select at most %(most)d. Nothing was done.") % {"most": most}
        messages.warning(request, text)
    return are_too_many


def _link(row: Model, url: str) -> SafeString:
    return format_html(
        '{}<br><input class="link" readonly aria-label="{}" value="{}">'
        ' <button type="button" class="copy" data-done="{}">{}</button>',
        format_html(
            _("A link for {}. Send it to the customer. It works once, within an hour."),
            isolated(str(row)),
        ),
        _("Link for %(name)s") % {"name": row},
        url,
        _("Copied"),
        _("Copy"),
    )


def _failure(row: Model, exc: UnipileError | UnipileNotConfigured) -> SafeString:
    # What is missing in the settings is in the words of the error.
    why = str(exc) if isinstance(exc, UnipileNotConfigured) else advice(exc)
    return format_html(_("No link for {}: {}"), isolated(str(row)), why)


@admin.action(description=gettext_lazy("Disconnect"), permissions=["change"])
def disconnect(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> HttpResponse | None:
    """Ask first, and then disconnect what was shown, whatever the filters match by now."""
    is_confirmed = "confirmed" in request.POST
    if is_confirmed:
        shown = request.POST.getlist("_selected_action")
        queryset = UnipileAccount.objects.filter(pk__in=shown).order_by("pk")
    if _are_too_many(request, queryset, most=MOST_DISCONNECTED):
        return back(model_admin, request)
    if is_confirmed:
        _disconnect(request, queryset)
        return back(model_admin, request)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Disconnect accounts"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "accounts": queryset.select_related("user"),
        "back_with": request.POST.get("back_with"),
    }
    return TemplateResponse(request, "admin/unipile_accounts/disconnect.html", context)


# The message for each outcome.
_OUTCOMES = {
    "done": (messages.SUCCESS, gettext_lazy("Disconnected: {}.")),
    "kept": (
        messages.WARNING,
        gettext_lazy(
            "Disconnected, but not yet deleted at Unipile: {}. The nightly run tries again."
        ),
    ),
    "gone": (messages.WARNING, gettext_lazy("Not here any more: {}.")),
    "locked": (messages.ERROR, gettext_lazy("Locked in our database, so nothing was done: {}.")),
    "left": (messages.ERROR, gettext_lazy("Not reached in time, so nothing was done: {}.")),
}


def _disconnect(request: HttpRequest, accounts: UnipileAccountQuerySet) -> None:
    by_outcome: dict[str, list[UnipileAccount]] = defaultdict(list)
    deadline = time.monotonic() + SECONDS
    for account in accounts:
        is_late = time.monotonic() > deadline
        by_outcome["left" if is_late else _disconnect_one(request, account)].append(account)
    for outcome, (level, words) in _OUTCOMES.items():
        if named := by_outcome[outcome]:
            messages.add_message(request, level, format_html(str(words), _names(named)))


def _disconnect_one(request: HttpRequest, account: UnipileAccount) -> str:
    rows = UnipileAccount.objects.all()
    try:
        is_deleted = disconnect_account(rows, account.pk, door=Door.ADMIN, user=request.user)
    except UnipileAccount.DoesNotExist:
        return "gone"
    except UnipileError:
        return "locked"
    return "done" if is_deleted else "kept"


def _names(accounts: list[UnipileAccount]) -> SafeString:
    names = format_html_join(", ", "{}", ([isolated(str(row))] for row in accounts[:NAMED]))
    more = len(accounts) - NAMED
    return format_html(_("{} and {} more"), names, more) if more > 0 else names
