"""The history of accounts, one entry for each write that changed something."""

from __future__ import annotations

from typing import Any

from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from unipile_accounts.models import LISTED_AS, AccountChange, UnipileAccount
from unipile_accounts.results import Change, Door, Origin
from unipile_accounts.services.refreshing.deciding import REPORTED

COLUMNS = (*REPORTED, "unipile_account_id")


def entry(row: UnipileAccount, changes: dict[str, Change], origin: Origin) -> AccountChange:
    """Return what is to be stored with the row, in its transaction."""
    return AccountChange(
        account_id=row.pk,
        owner_id=row.user_id,
        door=origin.door,
        user_id=origin.user.pk if origin.user else None,
        changes={LISTED_AS.get(name, name): change for name, change in changes.items()},
    )


@receiver(pre_delete, sender=UnipileAccount)
def end_history(instance: UnipileAccount, **kwargs: Any) -> None:
    """Refuse to delete a living row, whatever it was when the deletion was asked for."""
    if instance.is_merged:
        return
    row = UnipileAccount.objects.deletable().select_for_update().filter(pk=instance.pk).first()
    if row is None:
        raise ProtectedError("Disconnect the account first.", {instance})
    entry(row, {"status": Change(row.status, None)}, Origin(Door.ADMIN)).save()
