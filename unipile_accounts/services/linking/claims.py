"""A claim says that a login through a link of ours has made an account at Unipile.

Nothing of it is believed until Unipile was asked. It stays open while Unipile cannot say.
Whoever comes next finishes it, be it the notice again, an event or the nightly pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now

from unipile_accounts import interrupts
from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileError,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import ConnectLink, ConnectLinkQuerySet, UnipileAccount
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.linking.logins import Login, lock_rows, may_take, take
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import read
from unipile_accounts.services.refreshing.deciding import is_outdated
from unipile_accounts.services.refreshing.locking import decide_again
from unipile_accounts.services.refreshing.patience import Patience

# Unipile's clock may be so much behind ours.
CLOCK_GRACE = timedelta(minutes=10)
_TRIES = 3


class _Outdated(Exception):
    """A later answer is stored, so that Unipile is asked again."""


def finish_claims(links: ConnectLinkQuerySet) -> None:
    """Finish the open claims of these links, and take off what is refused.

    Raises the `UnipileError` of the last claim of which Unipile cannot say, after all were tried.
    """
    error = None
    # The first claim of an account stands in the way of others.
    claims = links.exclude(claimed_account_id="").order_by("claimed_at")
    for pk, unipile_account_id in claims.values_list("pk", "claimed_account_id"):
        interrupts.check()
        try:
            finish_claim(pk, unipile_account_id)
        except (PermissionDenied, UnipileError) as exc:
            recording.logger.warning("A claim was not finished: %s", exc)
            error = exc if isinstance(exc, UnipileError) else error
    if error:
        raise error


def finish_claim(pk: UUID, unipile_account_id: str) -> None:
    """Read the account of an open claim, and let the row take the login that it belongs to.

    Raises `PermissionDenied` for a claim that is refused and taken off, or the `UnipileError` why
    Unipile cannot say now.
    """
    links = ConnectLink.objects.filter(pk=pk, claimed_account_id=unipile_account_id)
    patience = Patience.of_one_refresh()
    for _ in range(_TRIES):
        link = links.annotate(asked_at=Now()).first()
        if link is None:
            return
        try:
            _check_age(link)
            verdict = read(unipile_account_id, patience)
            if verdict.linkedin_id is None:
                raise UnipileUnexpectedAnswer("Unipile does not tell the LinkedIn member yet.")
            asked_at = link.asked_at  # type: ignore[attr-defined]  # annotated above
            login = Login(link.user_id, unipile_account_id, verdict, asked_at)
            taken = decide_again(partial(_decide, links, login))
        except _Outdated:
            continue
        except (PermissionDenied, UnipileNotLinkedIn) as exc:
            links.update(claimed_account_id="", claimed_at=None)
            raise PermissionDenied(f"Link {pk}, account {unipile_account_id}: {exc}") from exc
        if taken:
            result, origin = taken
            recording.publish([result], origin)
        return
    raise AccountLocked(f"Account {unipile_account_id} is read all the time.")


def _decide(links: ConnectLinkQuerySet, login: Login) -> tuple[RefreshResult, Origin] | None:
    """Use a link up for a login.

    Return how a row took it and who did it, or None where no row takes it.
    """
    link = links.select_for_update().first()
    if link is None:
        return None
    rows = lock_rows(login, link_account_id=link.account_id)
    owner = get_user_model().objects.filter(pk=link.user_id, is_active=True).first()
    if owner is None:
        raise PermissionDenied("The owner of the link is gone or inactive.")
    _check(link, login, rows.holder)
    if rows.holder and is_outdated(rows.holder, asked_at=login.asked_at):
        raise _Outdated
    row = rows.chosen(login)
    taken = None
    if not _is_given_up_since(link, (row, rows.holder)):
        if not may_take(row, login):
            reason = f"Unipile account {login.unipile_account_id} is not connected yet."
            raise UnipilePremiumStatusPending(reason)
        origin = Origin(Door.CONNECT, owner)
        taken = take(row, login, rows, origin, unsure=UnipileAccount.Status.CONNECTED), origin
    links.update(
        used_at=Now(),
        unipile_account_id=login.unipile_account_id,
        claimed_account_id="",
        claimed_at=None,
    )
    if rows.of_link and rows.of_link != row:
        recording.logger.info(
            "Link %s was made for account %s (member %s). Member %s logged in on it.",
            link.pk,
            rows.of_link.pk,
            rows.of_link.linkedin_id,
            login.verdict.linkedin_id,
        )
    return taken


def _is_given_up_since(link: ConnectLink, rows: Iterable[UnipileAccount | None]) -> bool:
    """Tell whether a row was given up after the claim, which then does not bring it back."""
    moments = [row.passed(row.given_up_at) for row in rows if row]
    return any(link.claimed_at and at and link.claimed_at <= at for at in moments)


def _check(link: ConnectLink, login: Login, holder: UnipileAccount | None) -> None:
    """Raise `PermissionDenied` for a login that the link cannot have brought."""
    _check_age(link)
    if holder and holder.user_id != link.user_id:
        raise PermissionDenied("The account has another owner.")
    if holder and holder.linkedin_id not in ("", login.verdict.linkedin_id):
        raise PermissionDenied("The account has another LinkedIn member.")
    claims = ConnectLink.objects.good().filter(claimed_account_id=login.unipile_account_id)
    if claims.filter(claimed_at__lt=link.claimed_at).exclude(user_id=link.user_id).exists():
        raise PermissionDenied("Another owner's link has claimed the account before.")
    is_held = holder is not None and holder.given_up_at is None
    if link.reconnect_account:
        if not is_held or link.reconnect_account != login.unipile_account_id:
            raise PermissionDenied("The link is for another account.")
    elif not is_held:
        if login.verdict.created_at is None:
            raise UnipileUnexpectedAnswer("Unipile does not tell when the account was made.")
        if login.verdict.created_at < link.created_at - CLOCK_GRACE:
            raise PermissionDenied("The account was there before the link.")


def _check_age(link: ConnectLink) -> None:
    if not ConnectLink.objects.good().filter(pk=link.pk).exists():
        raise PermissionDenied("The link is too old.")
