"""What a link of ours can have brought."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.models import ConnectLink
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.services.linking.logins import Login, Rows

# Unipile's clock may be so much behind ours.
CLOCK_GRACE = timedelta(minutes=10)


def check_claim(link: ConnectLink, login: Login, rows: Rows) -> None:
    """Raise `PermissionDenied` for a login that the link cannot have brought."""
    if not ConnectLink.objects.good().filter(pk=link.pk).exists():
        raise PermissionDenied("The link is too old.")
    holder = rows.holder
    if holder and holder.user_id != link.user_id:
        raise PermissionDenied("The account has another owner.")
    if holder and holder.linkedin_id not in ("", login.verdict.linkedin_id):
        raise PermissionDenied("The account has another LinkedIn member.")
    others = ConnectLink.objects.good().filter(claimed_account_id=login.unipile_account_id)
    if others.filter(claimed_at__lt=link.claimed_at).exclude(user_id=link.user_id).exists():
        raise PermissionDenied("Another owner's link has claimed the account before.")
    is_held = holder is not None and holder.given_up_at is None
    if link.reconnect_account:
        if not is_held or link.reconnect_account != login.unipile_account_id:
            raise PermissionDenied("The link is for another account.")
    elif not is_held:
        _check_age(link, login.verdict)


def _check_age(link: ConnectLink, verdict: AccountVerdict) -> None:
    if verdict.created_at is None:
        raise UnipileUnexpectedAnswer("Unipile does not tell when the account was made.")
    if verdict.created_at < link.created_at - CLOCK_GRACE:
        raise PermissionDenied("The account was there before the link.")
