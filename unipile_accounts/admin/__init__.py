from __future__ import annotations

from unipile_accounts.admin.accounts import UnipileAccountAdmin

__all__ = ["UnipileAccountAdmin"]
