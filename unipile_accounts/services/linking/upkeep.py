"""What a pass over all accounts does at its end, so that nobody's paid account is left behind."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from unipile_accounts import interrupts
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.services.linking.claims import finish_claims
from unipile_accounts.services.linking.disconnecting import delete_at_unipile, is_claimed
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace, read
from unipile_accounts.services.refreshing.pages import Page
from unipile_accounts.services.refreshing.patience import Patience

# So many unknown accounts are named in the log.
NAMED = 20


class Upkeep:
    """Remembers the LinkedIn accounts of Unipile's list that no row was read for."""

    def __init__(self) -> None:
        self._members: dict[str, str | None] = {}

    def look_at(self, page: Page, rows: Iterable[UnipileAccount]) -> None:
        """Remember what a page holds besides the accounts that were read."""
        rest = page.members.keys() - {row.unipile_account_id for row in rows}
        self._members |= {each: page.members[each] for each in rest}

    def finish(self, patience: Patience, workspace: Workspace) -> int:
        """Finish claims, delete again what is not wanted, and count what no row knows."""
        with suppress(UnipileError):
            finish_claims(ConnectLink.objects.all())
        unknown = []
        for unipile_account_id, member in self._members.items():
            interrupts.check()
            if _is_wanted(unipile_account_id):
                continue
            rows = UnipileAccount.objects.filter(unipile_account_id=unipile_account_id)
            is_given_up = rows.exists()
            is_needless = is_given_up or _is_replaced(unipile_account_id, member, patience)
            # Somebody may have logged in since.
            if is_needless and _is_wanted(unipile_account_id):
                continue
            if is_needless and delete_at_unipile(unipile_account_id, patience, workspace):
                continue
            if not is_given_up:
                unknown.append(unipile_account_id)
        if unknown:
            recording.logger.warning(
                "Unipile has %d LinkedIn accounts that no row knows: %s",
                len(unknown),
                ", ".join(unknown[:NAMED]),
            )
        return len(unknown)


def _is_wanted(unipile_account_id: str) -> bool:
    rows = UnipileAccount.objects.readable().filter(unipile_account_id=unipile_account_id)
    return is_claimed(unipile_account_id) or rows.exists()


def _is_replaced(unipile_account_id: str, member: str | None, patience: Patience) -> bool:
    """Tell whether a used link of ours has brought an account that its member does not need."""
    used = ConnectLink.objects.filter(unipile_account_id=unipile_account_id)
    if member is None or not used.exclude(used_at=None).exists():
        return False
    rows = UnipileAccount.objects.readable().filter(linkedin_id=member)
    return all(_is_alive(row, patience) for row in rows)


def _is_alive(row: UnipileAccount, patience: Patience) -> bool:
    """Tell whether a row's own member is logged in there."""
    patience.begin()
    try:
        verdict = read(row.unipile_account_id, patience)
    except UnipileError:
        return False
    is_own = verdict.linkedin_id == row.linkedin_id
    return is_own and verdict.status == UnipileAccount.Status.CONNECTED
