"""What every door calls; no door holds a rule of its own."""

from __future__ import annotations

from unipile_accounts.services.refresh_many import refresh_account, refresh_accounts

__all__ = ["refresh_account", "refresh_accounts"]
