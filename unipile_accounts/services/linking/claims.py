"""Claims: somebody says that a login through a link of ours has made an account at Unipile.

A claim is noted, and nothing is believed until Unipile was asked. It stays open while Unipile
cannot say. Whoever comes next finishes it, be it the notice again, an event or the nightly pass.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now

from unipile_accounts.exceptions import (
    AccountLocked,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.models import ConnectLink
from unipile_accounts.models.account import UNIPILE_ID
from unipile_accounts.payloads.account import AccountVerdict
from unipile_accounts.payloads.webhook import LinkNotice
from unipile_accounts.results import Door, Origin, RefreshResult
from unipile_accounts.services.linking.conditions import check_claim
from unipile_accounts.services.linking.deleting import delete_unused
from unipile_accounts.services.linking.links import link_id
from unipile_accounts.services.linking.logins import (
    Login,
    lock_rows,
    may_take,
    take,
)
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import read
from unipile_accounts.services.refreshing.deciding import is_outdated
from unipile_accounts.services.refreshing.locking import decide_again, in_one_transaction
from unipile_accounts.services.refreshing.patience import Patience

# https://developer.unipile.com/docs/hosted-auth
LOGGED_IN = {"CREATION_SUCCESS", "RECONNECTED"}
_TRIES = 3


class _Outdated(Exception):
    """A later answer is stored, so that Unipile is asked again."""


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
    elif in_one_transaction(lambda: _note(pk, notice.unipile_account_id)):
        finish_claim(pk, notice.unipile_account_id)


def _note(pk: UUID, unipile_account_id: str) -> bool:
    """Note a claim on its link, and return whether there is one to finish."""
    link = ConnectLink.objects.good().select_for_update().filter(pk=pk).first()
    if link is None:
        raise PermissionDenied(f"The link {pk} is too old.")
    if link.used_at and link.unipile_account_id == unipile_account_id:
        return False
    if link.used_at:
        raise PermissionDenied(f"The link {pk} was used for another account.")
    if not UNIPILE_ID.match(unipile_account_id):
        raise PermissionDenied(f"The notice of link {pk} names no account of Unipile's.")
    if link.claimed_account_id != unipile_account_id:
        if link.claimed_account_id:
            recording.logger.warning(
                "Link %s: the claim of account %s replaces that of account %s.",
                pk,
                unipile_account_id,
                link.claimed_account_id,
            )
        ConnectLink.objects.filter(pk=pk).update(
            claimed_account_id=unipile_account_id, claimed_at=Now()
        )
    return True


def finish_claims(unipile_account_id: str) -> None:
    """Finish every open claim of an account. Raises the `UnipileError` why Unipile cannot say."""
    links = ConnectLink.objects.good().filter(claimed_account_id=unipile_account_id)
    for pk in links.order_by("claimed_at").values_list("pk", flat=True):
        try:
            finish_claim(pk, unipile_account_id)
        except PermissionDenied as exc:
            recording.logger.warning("A claim was refused: %s", exc)


def finish_claim(pk: UUID, unipile_account_id: str) -> None:
    """Read the account of an open claim, and let the row take the login that it belongs to.

    Raises `PermissionDenied` for a claim that is refused and taken off, or the `UnipileError` why
    Unipile cannot say now.
    """
    patience = Patience.of_one_refresh()
    for _ in range(_TRIES):
        link = ConnectLink.objects.with_database_time().filter(pk=pk).first()
        if link is None or link.claimed_account_id != unipile_account_id:
            return
        try:
            member = _with_member(read(unipile_account_id, patience))
            login = Login(link.user_id, unipile_account_id, member, link.database_time)
            taken = decide_again(partial(_decide, pk, login))
        except _Outdated:
            continue
        except (PermissionDenied, UnipileNotLinkedIn) as exc:
            take_off(pk, unipile_account_id)
            raise PermissionDenied(f"Link {pk}, account {unipile_account_id}: {exc}") from exc
        if taken:
            result, left_behind, origin = taken
            recording.publish([result], origin)
            delete_unused(left_behind)
        return
    raise AccountLocked(f"Account {unipile_account_id} is read all the time.")


def _with_member(verdict: AccountVerdict) -> AccountVerdict:
    if verdict.linkedin_id is None:
        raise UnipileUnexpectedAnswer("Unipile does not tell the LinkedIn member yet.")
    return verdict


def take_off(pk: UUID, unipile_account_id: str) -> None:
    """Take a claim off its link, which stays as good as it was."""
    claim = ConnectLink.objects.filter(pk=pk, claimed_account_id=unipile_account_id)
    claim.update(claimed_account_id="", claimed_at=None)


def _decide(pk: UUID, login: Login) -> tuple[RefreshResult, str, Origin] | None:
    """Use a link up for a login.

    Return how a row took it, what that leaves behind at Unipile, and who did it, or None where no
    row takes it.
    """
    claims = ConnectLink.objects.select_for_update()
    link = claims.filter(pk=pk, claimed_account_id=login.unipile_account_id).first()
    if link is None:
        return None
    rows = lock_rows(login, link_account_id=link.account_id)
    owner = get_user_model().objects.filter(pk=link.user_id, is_active=True).first()
    if owner is None:
        raise PermissionDenied("The owner of the link is gone or inactive.")
    check_claim(link, login, rows)
    if rows.holder and is_outdated(rows.holder, asked_at=login.asked_at):
        raise _Outdated
    row = rows.chosen(login)
    taken = None
    # A login from before the row was given up does not bring it back.
    if not (row and row.given_up_at and link.claimed_at and link.claimed_at <= row.given_up_at):
        origin = Origin(Door.CONNECT, owner)
        if not may_take(row, login):
            reason = f"Unipile account {login.unipile_account_id} is not connected yet."
            raise UnipilePremiumStatusPending(reason)
        taken = (*take(row, login, rows, origin, is_claim=True), origin)
    claims.filter(pk=pk).update(
        used_at=Now(),
        unipile_account_id=login.unipile_account_id,
        claimed_account_id="",
        claimed_at=None,
    )
    if rows.of_link and rows.of_link != row:
        recording.logger.info(
            "Link %s was made for account %s (member %s). Member %s logged in on it.",
            pk,
            rows.of_link.pk,
            rows.of_link.linkedin_id,
            login.verdict.linkedin_id,
        )
    return taken
