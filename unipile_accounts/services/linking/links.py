"""Links to Unipile's hosted page, on which a customer logs in to LinkedIn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from puffle.stores import give_connection_back
from unipile_accounts.conf import conf
from unipile_accounts.exceptions import (
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileReconnectRequired,
)
from unipile_accounts.models import AnyUser, ConnectLink, UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import is_at_unipile
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile import create_link

LIFETIME = timedelta(hours=1)
_SALT = "unipile_accounts.connect_link"


@recording.failure_logged("No link was made")
def create_connect_link(user: AnyUser) -> str:
    """Return a link on which this user connects an account. It dies within an hour.

    Each link stands for itself, so a second one does no harm. The address is not stored. Raises
    `UnipileNotConfigured`, a `UnipileError`, or `DoesNotExist` of a user who is gone.
    """
    return _create(user.pk, patience=Patience.of_one_refresh())


@recording.failure_logged("No link was made")
def create_reconnect_link(accounts: UnipileAccountQuerySet, pk: UUID) -> str:
    """Return a link on which the owner of one of these accounts logs in to LinkedIn again.

    Afterwards the row is the same. It gets a new Unipile id where it was given up, or where Unipile
    no longer has the account. Raises `UnipileAccount.DoesNotExist` besides.
    """
    _ = conf.public_url
    account = accounts.get(pk=pk)
    patience = Patience.of_one_refresh()
    # A late delete can then hit only the old account.
    asked = account.unipile_account_id
    is_there = account.given_up_at is None and is_at_unipile(asked, patience)
    account = accounts.get(pk=pk)
    # The row may be given up by now, or have another login.
    is_held = account.given_up_at is None and account.unipile_account_id == asked
    reconnected = asked if is_there and is_held else ""
    return _create(account.user_id, account, patience=patience, reconnect_account=reconnected)


def _create(
    user_id: Any,
    account: UnipileAccount | None = None,
    *,
    patience: Patience,
    reconnect_account: str = "",
) -> str:
    now = timezone.now()
    link = ConnectLink(
        user_id=user_id,
        account=account,
        reconnect_account=reconnect_account,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    give_connection_back()
    try:
        url = create_link(
            name=signing.dumps(link.pk.hex, salt=_SALT),
            notify_url=conf.public_url + reverse("unipile-webhook"),
            success_url=conf.public_url + reverse("unipile-connected"),
            failure_url=conf.public_url + reverse("unipile-not-connected"),
            expires_at=link.expires_at,
            reconnect_account=reconnect_account,
            timeout=patience.timeout(),
        )
    except UnipileReconnectRequired as exc:
        # Reconnecting is what was tried.
        raise UnipileAPIError(str(exc)) from exc
    except UnipileAccountUnavailable as exc:
        exc.next_step = "Check the account on LinkedIn, then ask for a link again."
        raise
    # The user may be gone by now.
    get_user_model().objects.get(pk=user_id)
    link.save(force_insert=True)
    return url


def link_id(name: str) -> UUID:
    """Return the id of the link that was given this name, and raise `signing.BadSignature`."""
    return UUID(signing.loads(name, salt=_SALT))
