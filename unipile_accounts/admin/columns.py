"""How an account's values are shown. Everything that came from outside is escaped."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from unipile_accounts.admin.words import reason
from unipile_accounts.models import UnipileAccount

_ICONS = {
    UnipileAccount.Status.CONNECTED: "yes",
    UnipileAccount.Status.CREDENTIALS_REQUIRED: "alert",
    UnipileAccount.Status.DISCONNECTED: "no",
}
_LIST = "admin:unipile_accounts_unipileaccount_changelist"


def link(account: UnipileAccount) -> SafeString:
    # A name in a right-to-left script must not reorder what stands beside it.
    url = reverse("admin:unipile_accounts_unipileaccount_change", args=[account.pk])
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, account)


@admin.display(description="name", ordering="name")
def account_name(account: UnipileAccount) -> str:
    return account.name or "(no name yet)"


@admin.display(description="owner", ordering="user__username")
def owner(account: UnipileAccount) -> SafeString:
    """Name the owner, with a link to all accounts of this owner, and the e-mail address."""
    url = f"{reverse(_LIST)}?user={account.user_id}"
    return _with_note(format_html('<a href="{}">{}</a>', url, account.user), account.user.email)


@admin.display(description="status", ordering="status")
def status(account: UnipileAccount) -> str:
    if account.given_up_at:
        return "given up"
    if account.status == UnipileAccount.Status.CONNECTED and account.answered_at is None:
        return "unknown"
    icon = static(f"admin/img/icon-{_ICONS[UnipileAccount.Status(account.status)]}.svg")
    return format_html('<img src="{}" alt=""> {}', icon, account.get_status_display())


@admin.display(description="plan", ordering="is_premium")
def plan(account: UnipileAccount) -> str:
    """Name the plan, and whether LinkedIn itself was asked for it."""
    if account.plan is None:
        return "unknown"
    source: str = "Unipile's copy"
    if account.live_checked_at:
        source = format_html("LinkedIn, {}", _moment(account.live_checked_at))
    return _with_note(account.plan.name, source)


@admin.display(description="weekly limits", ordering="weekly_connection_limit")
def weekly_limits(account: UnipileAccount) -> str:
    if account.plan is None:
        return "unknown"
    return format_html(
        "{} connections<br>{} messages",
        account.weekly_connection_limit,
        account.weekly_message_limit,
    )


@admin.display(description="last refreshed", ordering="refreshed_at")
def last_refreshed(account: UnipileAccount) -> str:
    return _moment(account.refreshed_at) if account.refreshed_at else "never"


@admin.display(description="last error", ordering="last_error")
def last_error(account: UnipileAccount) -> str:
    """Say why the last refresh failed, with the code on hover, and when that was."""
    if not account.last_error or account.last_tried_at is None:
        return ""
    why = format_html('<span title="{}">{}</span>', account.last_error, reason(account.last_error))
    return _with_note(why, _moment(account.last_tried_at))


@admin.display(description="LinkedIn member")
def linkedin_member(account: UnipileAccount) -> str:
    """Show the member's id, with a link to all accounts of this member."""
    member = account.linkedin_id
    if not member:
        return "unknown"
    url = f"{reverse(_LIST)}?linkedin_id={member}"
    return format_html('<a href="{}">{}</a>', url, member)


def _with_note(value: str, note: str) -> SafeString:
    return format_html('{}<br><span class="quiet">{}</span>', value, note)


def _moment(value: datetime) -> SafeString:
    """Say how long ago, with the exact time in the active time zone on hover."""
    exact = date_format(timezone.localtime(value), "Y-m-d H:i:s T")
    return format_html('<time title="{}">{}</time>', exact, naturaltime(value))
