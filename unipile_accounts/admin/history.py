"""What refreshes have changed, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unipile_accounts.admin.values import exact, isolated
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Change

# What customers ask about comes first.
PLAN = ("is_premium", "has_sales_navigator", "weekly_connection_limit", "weekly_message_limit")
_FIRST = ("status", *PLAN)
# On an account's page, and on the page of its history.
LATEST = 10
MOST = 500
_A_MOMENT = timedelta(minutes=2)


def in_words(changes: Mapping[str, Change]) -> str:
    """Say what changed, such as "premium: no → yes"."""
    return ", ".join(
        f"{_label(name)}: {_value(name, changes[name].old)} → {_value(name, changes[name].new)}"
        for name in sorted(changes, key=_rank)
    )


def changed_a_moment_ago(account: UnipileAccount) -> dict[str, Change]:
    """Return what was changed so recently that whoever asked may not have heard of it."""
    since = UnipileAccount.objects.database_time() - _A_MOMENT
    recent = account.changes.filter(changed_at__gte=since).order_by("id")
    return {change.field: Change(change.old, change.new) for change in recent}


def table(changes: Iterable[AccountChange]) -> SafeString:
    rows = format_html_join(
        "",
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} → {}</td></tr>",
        (
            (
                exact(change.changed_at),
                _who(change),
                _label(change.field),
                isolated(_value(change.field, change.old)),
                isolated(_value(change.field, change.new)),
            )
            for change in changes
        ),
    )
    if not rows:
        return format_html("{}", _("Nothing has changed yet."))
    titles = (_("when"), _("who"), _("what"), _("old → new"))
    head = format_html_join("", '<th scope="col">{}</th>', ((title,) for title in titles))
    return format_html(
        '<table class="changes"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, rows
    )


def _who(change: AccountChange) -> SafeString:
    """Name the acting user, if there was one, and the door."""
    if change.user is None:
        return format_html("{}", change.door)
    return format_html("{}, {}", isolated(change.user.get_username()), change.door)


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _label(name: str) -> str:
    try:
        return str(label_for_field(name, UnipileAccount))
    except AttributeError:
        # The history outlives a field.
        return name


def _value(name: str, value: Any) -> str:
    """Write a value; the history keeps them all as text."""
    text = str(value)
    if name in ("is_premium", "has_sales_navigator"):
        return _("yes") if text == "True" else _("no")
    if name == "status":
        return str(dict(UnipileAccount.Status.choices).get(text, text))
    return text or _("none")
