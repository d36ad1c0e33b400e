"""What becomes of a notice: somebody has logged in through a link of ours."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils import timezone

from unipile_accounts.exceptions import AccountLocked, UnipileError
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.payloads.notice import HostedNotice
from unipile_accounts.results import Door, Origin
from unipile_accounts.services.linking.disconnecting import delete_at_unipile
from unipile_accounts.services.linking.links import GRACE, link_id
from unipile_accounts.services.linking.merging import absorb, merge_logins
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.locking import in_one_transaction
from unipile_accounts.services.refreshing.one import refresh_account

# https://developer.unipile.com/docs/hosted-auth
LOGGED_IN = {"CREATION_SUCCESS", "RECONNECTED"}


def handle_notice(notice: HostedNotice) -> None:
    """Create or revive the row that a link was made for, and refresh it.

    The same notice again does nothing. Raises `PermissionDenied` for a name that we did not give,
    or gave too long ago, or that was used for another account, and for an account that somebody
    else owns. That the refresh fails is no failure of the notice, as events will follow.
    """
    pk = _link_id(notice)
    if notice.status not in LOGGED_IN:
        recording.logger.info("The login through link %s ended with %s.", pk, notice.status)
        return
    try:
        account = in_one_transaction(lambda: _use(pk, notice))
    except IntegrityError as exc:
        # Another link brought the same account at the same moment.
        raise AccountLocked("The account is just being connected.") from exc
    if account is None:
        return
    if account.given_up_at:
        # Its owner gave it up after the link was made, so the new login is not wanted.
        delete_at_unipile(notice.unipile_account_id)
        return
    _refresh(account)


def _refresh(account: UnipileAccount) -> None:
    try:
        refresh_account(
            UnipileAccount.objects.all(), account.pk, door=Door.CONNECT, user=account.user
        )
    except (UnipileError, UnipileAccount.DoesNotExist) as exc:
        recording.logger.info("Account %s is connected, but not read yet: %s", account.pk, exc)
    merge_logins(account.pk)


def _link_id(notice: HostedNotice) -> UUID:
    try:
        return link_id(notice.name)
    except (signing.BadSignature, ValueError) as exc:
        raise PermissionDenied("The notice has a name that we did not give.") from exc


def _use(pk: UUID, notice: HostedNotice) -> UnipileAccount | None:
    """Use a link up, and return the row as it is then; None when it was used for this before."""
    link = ConnectLink.objects.select_for_update(nowait=True).filter(pk=pk).first()
    now = timezone.now()
    if link is None or now > link.expires_at + GRACE:
        raise PermissionDenied(f"The link {pk} is too old.")
    if link.used_at:
        if link.unipile_account_id == notice.unipile_account_id:
            return None
        raise PermissionDenied(f"The link {pk} was used for another account.")
    account = _attach(link, notice.unipile_account_id)
    link.account, link.used_at = account, now
    link.unipile_account_id = notice.unipile_account_id
    link.save(update_fields=["account", "used_at", "unipile_account_id"])
    return account


def _attach(link: ConnectLink, unipile_account_id: str) -> UnipileAccount:
    locked = UnipileAccount.objects.select_for_update(no_key=True, nowait=True)
    known = locked.filter(unipile_account_id=unipile_account_id).first()
    if known and known.user_id != link.user_id:
        raise PermissionDenied(f"The account of link {link.pk} has another owner.")
    account = locked.get(pk=link.account_id) if link.account_id else known
    if known and account and _are_two_members(known, account):
        account = known
    if account is None:
        account = UnipileAccount.objects.create(
            user_id=link.user_id, unipile_account_id=unipile_account_id
        )
    if account.user_id != link.user_id:
        raise PermissionDenied(f"The account of link {link.pk} has got another owner.")
    if account.given_up_at and account.given_up_at > link.created_at:
        return account
    if known and known != account:
        absorb(known, into=account)
    changes = {
        "unipile_account_id": unipile_account_id,
        "status": UnipileAccount.Status.CONNECTED,
        "given_up_at": None,
        # The new login's plan is newer than what LinkedIn said before.
        "live_checked_at": None,
    }
    recording.save_with_history(account, changes, Origin(Door.CONNECT, link.user))
    return account


def _are_two_members(one: UnipileAccount, other: UnipileAccount) -> bool:
    """Tell whether somebody logged in on the link of one LinkedIn account with another one."""
    return bool(one.linkedin_id and other.linkedin_id) and one.linkedin_id != other.linkedin_id
