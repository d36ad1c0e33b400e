from __future__ import annotations

from unipile_accounts.models.account import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.models.change import AccountChange
from unipile_accounts.models.connect_link import ConnectLink

__all__ = [
    "AccountChange",
    "ConnectLink",
    "UnipileAccount",
    "UnipileAccountQuerySet",
]
