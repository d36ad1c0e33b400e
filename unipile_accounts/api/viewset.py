from __future__ import annotations

from unipile_accounts.api.refresh import RefreshEndpoint
from unipile_accounts.api.search import SearchEndpoint


class UnipileAccountViewSet(RefreshEndpoint, SearchEndpoint):
    """All endpoints below /api/unipile; each has a module of its own and is listed here."""
