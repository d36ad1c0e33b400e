"""What Unipile sends to us. An event is never a fact, only a reason to look.

https://developer.unipile.com/docs/account-lifecycle
"""

from __future__ import annotations

from django.core.exceptions import BadRequest, PermissionDenied
from django.utils.crypto import constant_time_compare

from unipile_accounts import metrics
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileNotLinkedIn, UnipileReconnectRequired
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.webhook import AccountEvent, LinkNotice, read_webhook
from unipile_accounts.results import Door
from unipile_accounts.services.linking.claims import finish_claims, handle_notice
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.one import refresh_account

# They bring no news of the plan or the login.
NO_NEWS = {"CONNECTING", "ERROR", "STOPPED"}
_KNOWN = NO_NEWS | {
    "OK",
    "CREDENTIALS",
    "DELETED",
    "CREATION_SUCCESS",
    "RECONNECTED",
    "SYNC_SUCCESS",
    "PERMISSIONS",
}


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
    finish_claims(event.unipile_account_id)
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
        try:
            refresh_account(rows, row.pk, door=Door.EVENT)
        except (UnipileReconnectRequired, UnipileNotLinkedIn, UnipileAccount.DoesNotExist):
            # It is stored, or there is nothing to store.
            return
