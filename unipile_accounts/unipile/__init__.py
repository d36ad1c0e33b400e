"""HTTP to Unipile's v1 API. It answers with JSON or a `UnipileError`, and knows no model."""

from __future__ import annotations

from unipile_accounts.unipile.accounts import (
    PAGE_SIZE,
    AccountPage,
    begin_list,
    delete_account,
    get_account,
    get_own_profile,
)
from unipile_accounts.unipile.hosted import create_link
from unipile_accounts.unipile.search import search_parameters, search_people
from unipile_accounts.unipile.webhooks import (
    ACCOUNT_EVENTS,
    create_account_webhook,
    delete_webhook,
    list_webhooks,
)

__all__ = [
    "ACCOUNT_EVENTS",
    "PAGE_SIZE",
    "AccountPage",
    "begin_list",
    "create_account_webhook",
    "create_link",
    "delete_account",
    "delete_webhook",
    "get_account",
    "get_own_profile",
    "list_webhooks",
    "search_parameters",
    "search_people",
]
