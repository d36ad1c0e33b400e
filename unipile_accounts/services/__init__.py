"""What every door calls; no door holds a rule of its own."""

from __future__ import annotations

from unipile_accounts.services.linking.disconnecting import disconnect_account
from unipile_accounts.services.linking.links import create_connect_link, create_reconnect_link
from unipile_accounts.services.linking.posts import handle_post
from unipile_accounts.services.linking.registration import delete_webhooks, register_webhook
from unipile_accounts.services.refreshing.many import RefreshPass, refresh_accounts
from unipile_accounts.services.refreshing.one import refresh_account
from unipile_accounts.services.searching.people import search_people

__all__ = [
    "RefreshPass",
    "create_connect_link",
    "create_reconnect_link",
    "delete_webhooks",
    "disconnect_account",
    "handle_post",
    "refresh_account",
    "refresh_accounts",
    "register_webhook",
    "search_people",
]
