from __future__ import annotations

from unipile_accounts.models.account import UnipileAccount
from unipile_accounts.models.change import LISTED_AS, AccountChange
from unipile_accounts.models.connect_link import ConnectLink, ConnectLinkQuerySet
from unipile_accounts.models.queryset import AnyUser, UnipileAccountQuerySet

__all__ = [
    "LISTED_AS",
    "AccountChange",
    "AnyUser",
    "ConnectLink",
    "ConnectLinkQuerySet",
    "UnipileAccount",
    "UnipileAccountQuerySet",
]
