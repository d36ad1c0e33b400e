"""What Unipile sends to us. An event is never a fact, only a reason to look.

https://developer.unipile.com/docs/account-lifecycle
https://developer.unipile.com/docs/hosted-auth
"""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.core import signing
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

from unipile_accounts import metrics
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileNotLinkedIn, UnipileReconnectRequired
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.models.account import UNIPILE_ID
from unipile_accounts.payloads.webhook import AccountEvent, LinkNotice, read_webhook
from unipile_accounts.results import Door
from unipile_accounts.services.linking.claims import finish_claim, finish_claims
from unipile_accounts.services.linking.links import link_id
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.locking import patiently
from unipile_accounts.services.refreshing.one import refresh_account
from unipile_accounts.unipile import ACCOUNT_EVENTS

# They bring no news of the plan or the login.
NO_NEWS = {"CONNECTING", "ERROR", "STOPPED"}
# A notice of one of these means that somebody has logged in.
LOGGED_IN = {"CREATION_SUCCESS", "RECONNECTED"}
_KNOWN = {event.upper() for event in ACCOUNT_EVENTS}


def handle_webhook(body: bytes, *, secret: str) -> None:
    """Handle an event, which must carry our secret, or the notice of a link, which cannot.

    Raises `PermissionDenied`, `BadRequest` for what is neither, or the `UnipileError` for which
    Unipile shall send it again.
    """
    try:
        webhook = read_webhook(body)
    except ValueError as exc:
        _authenticate(secret)
        raise BadRequest(str(exc)) from exc
    if isinstance(webhook, LinkNotice):
        handle_notice(webhook)
    else:
        _authenticate(secret)
        handle_event(webhook)


def _authenticate(secret: str) -> None:
    if not any(constant_time_compare(secret, each) for each in conf.webhook_secrets):
        raise PermissionDenied("The request does not carry our secret.")


def handle_event(event: AccountEvent) -> None:
    """Finish the open claim of an account, if there is one, and refresh its row.

    Raises the `UnipileError` why no answer was stored.
    """
    metrics.EVENTS.labels(event.message if event.message in _KNOWN else "other").inc()
    finish_claims(ConnectLink.objects.good().filter(claimed_account_id=event.unipile_account_id))
    if event.message in NO_NEWS:
        return
    rows = UnipileAccount.objects.all()
    row = rows.filter(unipile_account_id=event.unipile_account_id).only("given_up_at").first()
    if row is None:
        recording.logger.info(
            "Event %s is about account %s, which we do not have.",
            event.message,
            event.unipile_account_id,
        )
    elif row.given_up_at is None:
        # What these say is stored, or there is nothing to store.
        with suppress(UnipileReconnectRequired, UnipileNotLinkedIn, UnipileAccount.DoesNotExist):
            refresh_account(rows, row.pk, door=Door.EVENT)


def handle_notice(notice: LinkNotice) -> None:
    """Note the claim of a notice, and finish it.

    The same notice again does nothing. Raises `PermissionDenied` for a notice that is not good, or
    the `UnipileError` why Unipile cannot say now.
    """
    try:
        pk = link_id(notice.name)
    except (signing.BadSignature, ValueError) as exc:
        raise PermissionDenied("The notice has a name that we did not give.") from exc
    if notice.status not in LOGGED_IN:
        recording.logger.info("The login through link %s ended with %s.", pk, notice.status)
    elif patiently(lambda: _note(pk, notice.unipile_account_id)):
        finish_claim(pk, notice.unipile_account_id)


def _note(pk: UUID, unipile_account_id: str) -> bool:
    """Note a claim on its link, and return whether there is one to finish."""
    link = ConnectLink.objects.good().select_for_update().filter(pk=pk).first()
    if link is None:
        raise PermissionDenied(f"The link {pk} is too old.")
    if link.used_at:
        if link.unipile_account_id != unipile_account_id:
            raise PermissionDenied(f"The link {pk} was used for another account.")
        return False
    if not UNIPILE_ID.match(unipile_account_id):
        raise PermissionDenied(f"The notice of link {pk} names no account of Unipile's.")
    if link.claimed_account_id == unipile_account_id:
        return True
    if link.claimed_account_id:
        old = link.claimed_account_id
        recording.logger.warning("Link %s: its claim of account %s is replaced.", pk, old)
    claim = {"claimed_account_id": unipile_account_id, "claimed_at": Now()}
    ConnectLink.objects.filter(pk=pk).update(**claim)
    return True
