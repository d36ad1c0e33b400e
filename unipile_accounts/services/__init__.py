"""What every door calls; no door holds a rule of its own."""

from __future__ import annotations

from unipile_accounts.services.interrupts import Stopped, stop, stop_on_signals
from unipile_accounts.services.refresh import refresh_account
from unipile_accounts.services.refresh_many import RefreshPass, refresh_accounts

__all__ = [
    "RefreshPass",
    "Stopped",
    "refresh_account",
    "refresh_accounts",
    "stop",
    "stop_on_signals",
]
