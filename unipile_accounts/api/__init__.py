from __future__ import annotations

from unipile_accounts.api.accounts import AccountsEndpoint
from unipile_accounts.api.connect import ConnectEndpoint
from unipile_accounts.api.refresh import RefreshEndpoint
from unipile_accounts.api.search import SearchEndpoint


class UnipileAccountViewSet(AccountsEndpoint, ConnectEndpoint, RefreshEndpoint, SearchEndpoint):
    """All endpoints below /api/unipile. Each has a module of its own."""
