"""The webhooks of a Unipile workspace.

https://developer.unipile.com/docs/webhooks-2
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile import http

# Unipile's default leaves out connecting, ok and stopped.
ACCOUNT_EVENTS = (
    "creation_success",
    "creation_fail",
    "deleted",
    "reconnected",
    "sync_success",
    "stopped",
    "ok",
    "connecting",
    "error",
    "credentials",
    "permissions",
)


def list_webhooks() -> list[Any]:
    """Return all webhooks of the workspace. Their headers show secrets in clear text.

    https://developer.unipile.com/reference/webhookscontroller_listwebhooks
    """
    # No workspace has more than a page of them.
    query = {"limit": "250"}
    match http.begin("GET", "/webhooks", about="the list of webhooks", query=query).wait():
        case {"items": list(items)}:
            return items
    raise UnipileUnexpectedAnswer("Unipile's answer is not a list of webhooks.")


def create_account_webhook(*, request_url: str, secret: str) -> str:
    """Have Unipile send every event of every account to `request_url`, and return the webhook's id.

    The events carry `secret` in the header Unipile-Auth. Unipile accepts a second webhook for the
    same address, and then sends everything twice.
    https://developer.unipile.com/reference/webhookscontroller_createwebhook
    """
    body = {
        "source": "account_status",
        "request_url": request_url,
        "name": "account status",
        "format": "json",
        "events": list(ACCOUNT_EVENTS),
        "headers": [
            # Unipile sends none of its own.
            {"key": "Content-Type", "value": "application/json"},
            {"key": "Unipile-Auth", "value": secret},
        ],
    }
    match http.begin("POST", "/webhooks", about="a webhook", json=body).wait():
        case {"webhook_id": str(webhook_id)} if webhook_id:
            return webhook_id
    raise UnipileUnexpectedAnswer("Unipile's answer holds no webhook_id.")


def delete_webhook(webhook_id: str) -> None:
    """Remove a webhook."""
    http.begin("DELETE", f"/webhooks/{quote(webhook_id, safe='')}", about="a webhook").wait()
