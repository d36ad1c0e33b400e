"""What becomes of Unipile's events: never a fact, only a reason to look.

https://developer.unipile.com/docs/account-lifecycle
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from unipile_accounts import metrics
from unipile_accounts.models import UnipileAccount, WebhookContact
from unipile_accounts.payloads.notice import AccountEvent
from unipile_accounts.results import Door
from unipile_accounts.services.linking.merging import merge_logins
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.one import refresh_account

# They bring no news of the plan or the login.
NO_NEWS = {"CONNECTING", "ERROR", "STOPPED"}
# The status that a refresh will find, if the event is still true.
EXPECTED = {
    "OK": UnipileAccount.Status.CONNECTED,
    "CREATION_SUCCESS": UnipileAccount.Status.CONNECTED,
    "RECONNECTED": UnipileAccount.Status.CONNECTED,
    "SYNC_SUCCESS": UnipileAccount.Status.CONNECTED,
    "CREDENTIALS": UnipileAccount.Status.CREDENTIALS_REQUIRED,
    "DELETED": UnipileAccount.Status.DISCONNECTED,
}
# An answer that says what the event says is not asked for again so soon.
RECENTLY = timedelta(seconds=3)
_CONTACT_EVERY = timedelta(minutes=1)


def handle_event(event: AccountEvent) -> None:
    """Refresh the account of an event, where there may be news.

    Unipile's events come twice and in any order. One that says what was stored a few seconds ago
    reads nothing, so a restart of Unipile does not read each account again and again; any other
    does. Raises what `refresh_account` raises.
    """
    _note_contact()
    known = event.message in NO_NEWS or event.message in EXPECTED
    metrics.EVENTS.labels(event.message if known else "other").inc()
    if event.message in NO_NEWS:
        return
    rows = UnipileAccount.objects.with_database_time()
    account = rows.filter(unipile_account_id=event.unipile_account_id).first()
    if account is None:
        recording.logger.info("An event %s is about no account of ours.", event.message)
    elif account.given_up_at is None and not _is_known(event, account):
        refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.EVENT)
        merge_logins(account.pk)


def _is_known(event: AccountEvent, account: UnipileAccount) -> bool:
    if account.refreshed_at is None or EXPECTED.get(event.message) != account.status:
        return False
    return timedelta() <= account.database_time - account.refreshed_at < RECENTLY


def _note_contact() -> None:
    """Remember when Unipile reached us last, to the minute."""
    now = timezone.now()
    fresh = WebhookContact.objects.filter(pk=1, reached_at__gt=now - _CONTACT_EVERY)
    if not fresh.exists():
        WebhookContact.objects.update_or_create(pk=1, defaults={"reached_at": now})
