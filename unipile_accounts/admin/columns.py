"""How single values are shown. Everything that came from outside is escaped."""

from __future__ import annotations

from datetime import datetime

from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import PROFILE_URL_PREFIX

_ICONS = {
    UnipileAccount.Status.CONNECTED: "yes",
    UnipileAccount.Status.CREDENTIALS_REQUIRED: "alert",
    UnipileAccount.Status.DISCONNECTED: "no",
}


def isolated(text: str) -> SafeString:
    """Keep marks for right-to-left text in a name from turning what stands beside it."""
    return format_html("<bdi>{}</bdi>", text)


def status(account: UnipileAccount) -> SafeString:
    icon = static(f"admin/img/icon-{_ICONS[UnipileAccount.Status(account.status)]}.svg")
    return format_html('<img src="{}" alt=""> {}', icon, account.get_status_display())


def profile_link(account: UnipileAccount) -> str:
    url = account.profile_url
    if not url.startswith(PROFILE_URL_PREFIX):
        return url
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, url)


def weekly_limits(account: UnipileAccount) -> SafeString:
    return format_html(
        "{}<br>{}",
        _("%(count)d connections") % {"count": account.weekly_connection_limit},
        _("%(count)d messages") % {"count": account.weekly_message_limit},
    )


def moment(value: datetime) -> SafeString:
    """Say how long ago, with the exact time in the active time zone on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), _exact(value), _ago(value)
    )


def exact_moment(value: datetime) -> SafeString:
    return format_html(
        '<time datetime="{}">{}</time> ({})', value.isoformat(), _exact(value), _ago(value)
    )


def _exact(value: datetime) -> str:
    return date_format(timezone.localtime(value), "Y-m-d H:i:s T")


def _ago(value: datetime) -> str:
    if (timezone.now() - value).total_seconds() < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(value, depth=1)}
