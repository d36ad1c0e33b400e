"""What a pass over all accounts does at its end, so that nobody's paid account is left behind."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied

from unipile_accounts.exceptions import UnipileError
from unipile_accounts.interrupts import check
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.services.linking.claims import finish_claim, take_off
from unipile_accounts.services.linking.deleting import delete_at_unipile, is_claimed, is_needed
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace, read
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.services.refreshing.patience import Patience

# So many unknown accounts are named in the log.
NAMED = 20


class Upkeep:
    """Remembers the LinkedIn accounts of Unipile's list that no row is read for."""

    def __init__(self) -> None:
        self._unknown: dict[str, str | None] = {}
        self._given_up: list[str] = []

    def look_at(self, page: Page, read: Iterable[UnipileAccount]) -> None:
        """Remember what a page holds besides the accounts that were read."""
        rest = page.members.keys() - {row.unipile_account_id for row in read}
        if not rest:
            return
        rows = UnipileAccount.objects.filter(unipile_account_id__in=rest)
        known = dict(rows.values_list("unipile_account_id", "given_up_at"))
        self._given_up += [each for each in known if known[each]]
        self._unknown |= {each: page.members[each] for each in rest - known.keys()}

    def finish(self, patience: Patience, workspace: Workspace) -> int:
        """Finish claims, delete again what is not wanted, and count what no row knows."""
        finish_all_claims()
        for unipile_account_id in self._given_up:
            rows = UnipileAccount.objects.given_up().filter(unipile_account_id=unipile_account_id)
            if rows.exists() and not is_claimed(unipile_account_id):
                check()
                delete_at_unipile(unipile_account_id, patience=patience, workspace=workspace)
        unknown = [
            each
            for each, member in self._unknown.items()
            if not is_needed(each) and not self._delete(each, member, patience, workspace)
        ]
        if unknown:
            recording.logger.warning(
                "Unipile has %d LinkedIn accounts that no row knows: %s",
                len(unknown),
                ", ".join(unknown[:NAMED]),
            )
        return len(unknown)

    def _delete(
        self, unipile_account_id: str, member: str | None, patience: Patience, workspace: Workspace
    ) -> bool:
        """Delete what a used link of ours has brought and no row has any more."""
        used = ConnectLink.objects.filter(unipile_account_id=unipile_account_id)
        if member is None or not used.exclude(used_at=None).exists():
            return False
        check()
        rows = UnipileAccount.objects.readable().filter(linkedin_id=member)
        if not all(_is_alive(row, patience) for row in rows):
            return False
        return delete_at_unipile(unipile_account_id, patience=patience, workspace=workspace)


def _is_alive(row: UnipileAccount, patience: Patience) -> bool:
    patience.begin()
    try:
        verdict = read(row.unipile_account_id, patience)
    except UnipileError:
        return False
    return verdict.status == UnipileAccount.Status.CONNECTED


def finish_all_claims() -> None:
    """Finish the open claims, and take off those whose link is not good any more."""
    good = set(ConnectLink.objects.claimed().good().values_list("pk", flat=True))
    # The first claim of an account stands in the way of others.
    claimed = ConnectLink.objects.claimed().order_by("claimed_at")
    for pk, unipile_account_id in claimed.values_list("pk", "claimed_account_id"):
        check()
        if pk not in good:
            take_off(pk, unipile_account_id)
            recording.logger.warning(
                "Link %s expired before account %s could be read.", pk, unipile_account_id
            )
            continue
        try:
            finish_claim(pk, unipile_account_id)
        except (PermissionDenied, UnipileError) as exc:
            recording.logger.warning("The claim of link %s was not finished: %s", pk, exc)
