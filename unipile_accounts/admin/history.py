from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import label_for_field
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext as _

from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import RefreshResult


def log_changes(changed: Iterable[RefreshResult], *, request: HttpRequest) -> None:
    """Write what refreshes changed into the accounts' histories, all in one go."""
    content_type = ContentType.objects.get_for_model(UnipileAccount)
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=request.user.pk,  # type: ignore[misc]  # staff are logged in
            content_type=content_type,
            object_id=str(result.account.pk),
            object_repr=str(result.account)[:200],
            action_flag=CHANGE,
            change_message=_("Refreshed from Unipile: %(changes)s.")
            % {"changes": in_words(result)},
        )
        for result in changed
    )


def in_words(result: RefreshResult) -> str:
    """Say what changed, such as "premium: no → yes"."""
    return ", ".join(
        f"{_label(name)}: {_value(name, old)} → {_value(name, new)}"
        for name, (old, new) in result.changes.items()
    )


def _label(name: str) -> str:
    return str(label_for_field(name, UnipileAccount))


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "status":
        return str(UnipileAccount.Status(value).label)
    return str(value) or _("none")
