from __future__ import annotations

import time

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

from unipile_accounts.admin.history import log_changes
from unipile_accounts.admin.message import Report
from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccountQuerySet
from unipile_accounts.results import Door, RefreshResult
from unipile_accounts.services import refresh_accounts

# A request that is still running 20 seconds after its server was told to stop is cut off
# (gunicorn.conf.py), and proxies give up after 30 or 60: the report must be on its way by then.
SECONDS = 15.0
# Accounts that were not reached fail one by one; how many of 100,000 is told without that.
SECONDS_TO_FAIL = 3.0


def refresh(
    request: HttpRequest, accounts: UnipileAccountQuerySet, *, on_failure: str = ""
) -> None:
    """Refresh these accounts, write their histories, and tell the user how it went.

    `on_failure` is added to the message when an account was not refreshed.
    """
    deadline = time.monotonic() + SECONDS + SECONDS_TO_FAIL
    report = Report(accounts.count())
    changed: list[RefreshResult] = []
    try:
        for result in refresh_accounts(accounts, door=Door.ADMIN, seconds=SECONDS):
            report.add(result)
            if result.changes:
                changed.append(result)
            if time.monotonic() > deadline:
                report.cut_short()
                break
    except (UnipileNotConfigured, UnipileAuthenticationError) as exc:
        report.stopped_by = exc
    finally:
        # What is stored is in the history, however the run ends.
        log_changes(changed, request=request)
    text = report.html()
    if report.is_failure and on_failure:
        text = format_html("{}\n{}", text, on_failure)
    messages.add_message(request, report.level, text)
