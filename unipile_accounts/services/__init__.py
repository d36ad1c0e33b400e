"""What every door calls; no door holds a rule of its own."""

from __future__ import annotations

from unipile_accounts.services.connecting import create_connect_link, create_reconnect_link
from unipile_accounts.services.disconnecting import disconnect_account
from unipile_accounts.services.interrupts import Stopped, stop, stop_on_signals
from unipile_accounts.services.posts import handle_post
from unipile_accounts.services.refresh import refresh_account
from unipile_accounts.services.refresh_many import RefreshPass, refresh_accounts
from unipile_accounts.services.registering import delete_webhooks, register_webhook
from unipile_accounts.services.searching import HEADCOUNTS, SENIORITIES, YEARS, search_people

__all__ = [
    "HEADCOUNTS",
    "SENIORITIES",
    "YEARS",
    "RefreshPass",
    "Stopped",
    "create_connect_link",
    "create_reconnect_link",
    "delete_webhooks",
    "disconnect_account",
    "handle_post",
    "refresh_account",
    "refresh_accounts",
    "register_webhook",
    "search_people",
    "stop",
    "stop_on_signals",
]
