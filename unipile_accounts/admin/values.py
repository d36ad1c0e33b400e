"""How single values are written as HTML."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _


def isolated(text: str) -> SafeString:
    """Keep marks for right-to-left text in a name from turning what stands beside it."""
    return format_html("<bdi>{}</bdi>", text)


def quiet(text: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', text)


def unknown() -> SafeString:
    return quiet(_("unknown"))


def moment(value: datetime) -> SafeString:
    """Say how long ago, with the exact time in the active time zone on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact(value), _ago(value)
    )


def exact(value: datetime) -> str:
    return date_format(timezone.localtime(value), "Y-m-d H:i:s T")


def _ago(value: datetime) -> str:
    seconds = (timezone.now() - value).total_seconds()
    if seconds < -60:
        return _("in the future")
    if seconds < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(value, depth=1)}
