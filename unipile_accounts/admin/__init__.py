from __future__ import annotations

from unipile_accounts.admin.accounts import UnipileAccountAdmin
from unipile_accounts.admin.owners import OwnerAdmin

__all__ = ["OwnerAdmin", "UnipileAccountAdmin"]
