"""Links on which customers log in, and disconnecting."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from unipile_accounts.admin.base import SECONDS
from unipile_accounts.admin.words import advice
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import create_connect_link, create_reconnect_link, disconnect_account

# More than these nobody checks by hand.
MOST = 20


@admin.action(description="Make a link to reconnect", permissions=["refresh"])
def make_reconnect_links(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> None:
    links = partial(create_reconnect_link, UnipileAccount.objects.all())
    _one_by_one(request, queryset, lambda row: _show_link(request, row, links(row.pk)))


@admin.action(description="Make a link to connect LinkedIn", permissions=["refresh"])
def make_connect_links(model_admin: Any, request: HttpRequest, queryset: Any) -> None:
    _one_by_one(request, queryset, lambda row: _show_link(request, row, create_connect_link(row)))


def _show_link(request: HttpRequest, row: Any, url: str) -> None:
    context = {"row": row, "url": url}
    messages.success(request, render_to_string("admin/unipile_accounts/link.html", context))


@admin.action(description="Disconnect", permissions=["change"])
def disconnect(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> HttpResponse | None:
    """Ask first, and then disconnect what was shown, whatever the filters match by now."""
    if "confirmed" in request.POST:
        shown = request.POST.getlist("_selected_action")
        rows = UnipileAccount.objects.filter(pk__in=shown).order_by("pk")
        _one_by_one(request, rows, partial(_disconnect, request))
        return None
    if _are_too_many(request, queryset):
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Disconnect accounts",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "accounts": queryset.select_related("user"),
    }
    return TemplateResponse(request, "admin/unipile_accounts/disconnect.html", context)


def _disconnect(request: HttpRequest, row: UnipileAccount) -> None:
    accounts = UnipileAccount.objects.all()
    if disconnect_account(accounts, row.pk, door=Door.ADMIN, user=request.user):
        messages.success(request, f"Disconnected: {row}.")
        return
    text = f"Disconnected, but not yet deleted at Unipile: {row}. The nightly run tries again."
    messages.warning(request, text)


def _are_too_many(request: HttpRequest, rows: Any) -> bool:
    are_too_many = bool(rows.count() > MOST)
    if are_too_many:
        messages.warning(request, f"Select at most {MOST}. Nothing was done.")
    return are_too_many


def _one_by_one(request: HttpRequest, rows: Any, act: Callable[[Any], None]) -> None:
    """Act on each of these rows while there is time, and say for which it was not done."""
    if _are_too_many(request, rows):
        return
    deadline = time.monotonic() + SECONDS
    for row in rows:
        if why := _why_not_done(row, act, deadline=deadline):
            messages.error(request, f"Not done for {row}: {why}")


def _why_not_done(row: Any, act: Callable[[Any], None], *, deadline: float) -> str:
    if time.monotonic() > deadline:
        return "The time limit was reached."
    try:
        act(row)
    except ObjectDoesNotExist:
        return "It is not here any more."
    except (UnipileError, UnipileNotConfigured) as exc:
        return advice(exc)
    return ""
