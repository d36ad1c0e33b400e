"""How an account's values are shown. Everything that came from outside is escaped."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unipile_accounts.admin.errors import reason, stored_advice
from unipile_accounts.admin.values import isolated, moment, quiet, unknown
from unipile_accounts.models import UnipileAccount

PROFILE_URL_PREFIX = "https://www.linkedin.com/in/"

_ICONS = {
    UnipileAccount.Status.CONNECTED: "yes",
    UnipileAccount.Status.CREDENTIALS_REQUIRED: "alert",
    UnipileAccount.Status.DISCONNECTED: "no",
}
_LIST = "admin:unipile_accounts_unipileaccount_changelist"


def link(account: UnipileAccount) -> SafeString:
    url = reverse("admin:unipile_accounts_unipileaccount_change", args=[account.pk])
    return format_html('<a href="{}">{}</a>', url, isolated(str(account)))


@admin.display(description=gettext_lazy("name"), ordering="name")
def account_name(account: UnipileAccount) -> str:
    return isolated(account.name) if account.name else _("(no name yet)")


@admin.display(description=gettext_lazy("owner"), ordering="user__username")
def owner(account: UnipileAccount) -> SafeString:
    """Name the owner, with a link to all accounts of this owner, and the e-mail address."""
    name = isolated(account.user.get_username())
    listed = format_html('<a href="{}?user={}">{}</a>', reverse(_LIST), account.user_id, name)
    address = getattr(account.user, account.user.get_email_field_name(), "")
    return format_html("{}<br>{}", listed, quiet(isolated(address))) if address else listed


@admin.display(description=gettext_lazy("status"), ordering="status")
def status(account: UnipileAccount) -> SafeString:
    is_connected = account.status == UnipileAccount.Status.CONNECTED
    if is_connected and account.answered_at is None:
        return unknown()
    if account.given_up_at:
        return quiet(_("given up"))
    icon = static(f"admin/img/icon-{_ICONS[UnipileAccount.Status(account.status)]}.svg")
    return format_html('<img src="{}" alt=""> {}', icon, account.get_status_display())


@admin.display(description=gettext_lazy("plan"), ordering="is_premium")
def plan(account: UnipileAccount) -> SafeString:
    if account.plan is None:
        return unknown()
    return format_html("{}<br>{}", _(account.plan.name), quiet(_source(account)))


def _source(account: UnipileAccount) -> str:
    """Say whether LinkedIn itself was asked for the plan, and when."""
    if account.live_checked_at is None:
        return _("Unipile's copy")
    return format_html(_("LinkedIn, {}"), moment(account.live_checked_at))


@admin.display(description=gettext_lazy("weekly limits"), ordering="weekly_connection_limit")
def weekly_limits(account: UnipileAccount) -> SafeString:
    if account.plan is None:
        return unknown()
    return format_html(
        "{}<br>{}",
        _("%(count)d connections") % {"count": account.weekly_connection_limit},
        _("%(count)d messages") % {"count": account.weekly_message_limit},
    )


@admin.display(description=gettext_lazy("last refreshed"), ordering="refreshed_at")
def last_refreshed(account: UnipileAccount) -> SafeString:
    if account.refreshed_at is None:
        return quiet(_("never"))
    return moment(account.refreshed_at)


@admin.display(description=gettext_lazy("last error"), ordering="last_error")
def last_error(account: UnipileAccount) -> str:
    """Say why the last refresh failed, with the code on hover, and when that was."""
    if not account.last_error or account.last_tried_at is None:
        return ""
    why = format_html('<span title="{}">{}</span>', account.last_error, reason(account.last_error))
    return format_html("{}<br>{}", why, quiet(moment(account.last_tried_at)))


@admin.display(description=gettext_lazy("last tried"))
def last_tried(account: UnipileAccount) -> SafeString:
    if account.last_tried_at is None:
        return quiet(_("never"))
    outcome: str = _("refreshed")
    if code := account.last_error:
        outcome = format_html('<span title="{}">{}</span>', code, stored_advice(code))
    return format_html("{}: {}", moment(account.last_tried_at), outcome)


@admin.display(description=gettext_lazy("profile URL"))
def profile_link(account: UnipileAccount) -> str:
    url = account.profile_url
    if not url.startswith(PROFILE_URL_PREFIX):
        return url
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, url)


@admin.display(description=gettext_lazy("LinkedIn member"))
def linkedin_member(account: UnipileAccount) -> SafeString:
    """Show the member's id, with a link to all accounts of a member who has several."""
    if not account.linkedin_id:
        return unknown()
    others = UnipileAccount.objects.filter(linkedin_id=account.linkedin_id).exclude(pk=account.pk)
    if not others.exists():
        return format_html("{}", account.linkedin_id)
    return format_html(
        '{} (<a href="{}?linkedin_id={}">{}</a>)',
        account.linkedin_id,
        reverse(_LIST),
        account.linkedin_id,
        _("accounts of this member"),
    )
