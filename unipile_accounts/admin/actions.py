"""Refreshing accounts, from the list and from an account's page."""

from __future__ import annotations

import time
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from unipile_accounts.admin.base import SECONDS
from unipile_accounts.admin.message import RefreshMessage
from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileNotAsked,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts

# When Unipile fails, all that are left fail one by one. 100,000 take longer than this.
SECONDS_TO_FAIL = 3.0


@admin.action(description=_("Refresh premium status from Unipile"), permissions=["refresh"])
def refresh_from_unipile(
    model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet
) -> None:
    refresh(request, queryset)


@admin.action(description=_("Ask LinkedIn itself for the plan"), permissions=["refresh"])
def ask_linkedin(model_admin: Any, request: HttpRequest, queryset: UnipileAccountQuerySet) -> None:
    refresh(request, queryset, live=True)


def refresh(
    request: HttpRequest,
    accounts: UnipileAccountQuerySet,
    *,
    live: bool = False,
    just_added: bool = False,
) -> None:
    """Refresh these accounts, and report how each went that was asked for."""
    deadline = time.monotonic() + SECONDS + SECONDS_TO_FAIL
    message = RefreshMessage(accounts.count(), just_added=just_added)
    error = None
    try:
        for result in refresh_accounts(
            accounts, door=Door.ADMIN, user=request.user, live=live, seconds=SECONDS
        ):
            # All that are left fail for one and the same error, and nothing of them is stored.
            are_left = error is not None and error is result.error
            if isinstance(result.error, UnipileNotAsked) or (
                are_left and time.monotonic() > deadline
            ):
                message.cut_short()
                break
            message.add(result)
            error = result.error
    except (UnipileNotConfigured, UnipileAuthenticationError) as exc:
        message.stopped_by = exc
    messages.add_message(request, message.level, message.html())
