from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

from unipile_accounts.admin.message import Report
from unipile_accounts.exceptions import (
    UnipileAuthenticationError,
    UnipileNotAsked,
    UnipileNotConfigured,
)
from unipile_accounts.models import UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts

# A request that is still running 20 seconds after its server was told to stop is cut off
# (gunicorn.conf.py), and proxies give up after 30 or 60: the report must be on its way by then.
SECONDS = 15.0


def refresh(
    request: HttpRequest, accounts: UnipileAccountQuerySet, *, on_failure: str = ""
) -> None:
    """Refresh these accounts, write their histories, and tell the user how it went.

    `on_failure` is added to the message when an account was not refreshed.
    """
    report = Report(accounts.count())
    try:
        for result in refresh_accounts(
            accounts, door=Door.ADMIN, user=request.user, seconds=SECONDS
        ):
            if isinstance(result.error, UnipileNotAsked):
                report.cut_short()
                break
            report.add(result)
    except (UnipileNotConfigured, UnipileAuthenticationError) as exc:
        report.stopped_by = exc
    text = report.html()
    if report.is_failure and on_failure:
        text = format_html("{}\n{}", text, on_failure)
    messages.add_message(request, report.level, text)
