"""What the doors call. The rules live below."""

from __future__ import annotations

from unipile_accounts.services.linking.disconnecting import disconnect_account
from unipile_accounts.services.linking.events import handle_webhook
from unipile_accounts.services.linking.links import create_connect_link, create_reconnect_link
from unipile_accounts.services.linking.registration import delete_webhooks, register_webhook
from unipile_accounts.services.refreshing.many import RefreshPass, refresh_accounts
from unipile_accounts.services.refreshing.one import refresh_account
from unipile_accounts.services.refreshing.writing import add as add_account
from unipile_accounts.services.refreshing.writing import move as move_account
from unipile_accounts.services.searching.people import search_people

__all__ = [
    "RefreshPass",
    "add_account",
    "create_connect_link",
    "create_reconnect_link",
    "delete_webhooks",
    "disconnect_account",
    "handle_webhook",
    "move_account",
    "refresh_account",
    "refresh_accounts",
    "register_webhook",
    "search_people",
]
