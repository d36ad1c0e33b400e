"""Staff say that an account is there, and whose it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from unipile_accounts.models import AnyUser, UnipileAccount
from unipile_accounts.results import Door, Origin
from unipile_accounts.services.refreshing import writing


def add_account(row: UnipileAccount, *, user: AnyUser) -> None:
    """Insert a row. Raises `IntegrityError` where somebody was quicker with the same Unipile id."""
    with transaction.atomic():
        writing.add(row, Origin(Door.ADMIN, user))


def move_account(pk: UUID, owner_id: Any, *, user: AnyUser) -> None:
    """Give an account to another owner.

    Raises `UnipileAccount.DoesNotExist`, or `IntegrityError` where the owner has its member.
    """
    with transaction.atomic():
        row = UnipileAccount.objects.select_for_update(no_key=True).get(pk=pk)
        if row.user_id != owner_id:
            writing.move(row, owner_id, Origin(Door.ADMIN, user))
