"""What every door calls; no door holds a rule of its own."""

from __future__ import annotations

from unipile_accounts.services.interrupts import Stopped, stop, stop_on_signals
from unipile_accounts.services.refresh import refresh_account
from unipile_accounts.services.refresh_many import RefreshPass, refresh_accounts
from unipile_accounts.services.searching import HEADCOUNTS, SENIORITIES, YEARS, search_people

__all__ = [
    "HEADCOUNTS",
    "SENIORITIES",
    "YEARS",
    "RefreshPass",
    "Stopped",
    "refresh_account",
    "refresh_accounts",
    "search_people",
    "stop",
    "stop_on_signals",
]
