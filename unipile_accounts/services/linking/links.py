"""Links to Unipile's hosted page, on which a customer logs in to LinkedIn."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

from django.core import signing
from django.urls import reverse
from django.utils import timezone

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileAccountNotFound, UnipileLoginLost
from unipile_accounts.models import ConnectLink, UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.services.refreshing.ask import give_connection_back
from unipile_accounts.unipile.accounts import get_account
from unipile_accounts.unipile.hosted import create_link

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LIFETIME = timedelta(hours=1)
# A login that was begun in time may end a little later.
GRACE = timedelta(days=1)
_SALT = "unipile_accounts.connect_link"


def create_connect_link(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return a link on which this user connects an account; it dies within an hour.

    Each link stands for itself, so a second one does no harm. The address is not stored. Raises
    `UnipileNotConfigured` or a `UnipileError`.
    """
    return _create(ConnectLink(user_id=cast("int", user.pk)), reconnect=None)


def create_reconnect_link(accounts: UnipileAccountQuerySet, pk: UUID) -> str:
    """Return a link on which the owner of one of these accounts logs in to LinkedIn again.

    Afterwards the row is the same; where Unipile no longer has the account, it gets a new Unipile
    id. Raises `UnipileAccount.DoesNotExist` besides.
    """
    account = accounts.get(pk=pk)
    link = ConnectLink(user_id=account.user_id, account=account)
    give_connection_back()
    return _create(link, reconnect=account if _is_at_unipile(account) else None)


def _is_at_unipile(account: UnipileAccount) -> bool:
    _ = conf.public_url
    try:
        get_account(account.unipile_account_id)
    except UnipileAccountNotFound:
        return False
    except UnipileLoginLost:
        return True
    return True


def _create(link: ConnectLink, *, reconnect: UnipileAccount | None) -> str:
    link.pk = uuid4()
    link.created_at = timezone.now()
    link.expires_at = link.created_at + LIFETIME
    url = create_link(
        name=signing.dumps(link.pk.hex, salt=_SALT),
        notify_url=conf.public_url + reverse("unipile-webhook"),
        success_url=conf.public_url + reverse("unipile-connected"),
        failure_url=conf.public_url + reverse("unipile-not-connected"),
        expires_at=link.expires_at,
        reconnect_account=reconnect.unipile_account_id if reconnect else None,
    )
    link.save(force_insert=True)
    return url


def link_id(name: str) -> UUID:
    """Return the id of the link that was given this name; raise `signing.BadSignature`."""
    return UUID(signing.loads(name, salt=_SALT))
