"""What refreshes have changed, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.db.models.functions import Now
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from unipile_accounts.admin.values import exact, isolated
from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.models import AccountChange, UnipileAccount

# What customers ask about comes first.
_FIRST = ("status", *PLAN_COLUMNS)
# The history calls them as the API's list does.
_COLUMNS = {"display_name": "name", "provider_account_id": "unipile_account_id"}
# On an account's page, and on the page of its history.
LATEST = 10
MOST = 500
_A_MOMENT = timedelta(minutes=2)


def in_words(changes: Mapping[str, Sequence[Any]]) -> str:
    """Say what changed, such as "premium: no → yes"."""
    return ", ".join(
        f"{_label(name)}: {_value(name, changes[name][0])} → {_value(name, changes[name][1])}"
        for name in sorted(changes, key=_rank)
    )


def changed_a_moment_ago(account: UnipileAccount) -> dict[str, Sequence[Any]]:
    """Return what was changed so recently that whoever asked may not have heard of it."""
    recent = account.changes.filter(changed_at__gte=Now() - _A_MOMENT).order_by("id")
    return {name: change for each in recent for name, change in each.changes.items()}


def table(account: UnipileAccount, *, most: int) -> SafeString:
    """Show the latest changes, a write in each row."""
    entries = account.changes.select_related("user", "owner")[:most]
    rows = format_html_join(
        "",
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (
                exact(each.changed_at),
                _who(each),
                _name(each.owner),
                isolated(in_words(each.changes)),
            )
            for each in entries
        ),
    )
    if not rows:
        return format_html("{}", _("Nothing has changed yet."))
    titles = (_("when"), _("who"), _("owner"), _("what"))
    head = format_html_join("", '<th scope="col">{}</th>', ((title,) for title in titles))
    return format_html(
        '<table class="changes"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, rows
    )


def _who(change: AccountChange) -> SafeString:
    """Name the acting user, if there was one, and the door."""
    return format_html("{}, {}" if change.user else "{}{}", _name(change.user), change.door)


def _name(user: Any) -> str:
    return isolated(user.get_username()) if user else ""


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _label(name: str) -> str:
    try:
        return str(label_for_field(_COLUMNS.get(name, name), UnipileAccount))
    except AttributeError:
        # The history outlives a field, and tells what is none.
        return name.replace("_", " ")


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = str(value)
    if name == "status":
        return str(dict(UnipileAccount.Status.choices).get(text, text))
    return text or _("none")
