"""Unipile's hosted page, on which a person logs in to LinkedIn.

https://developer.unipile.com/docs/hosted-auth
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile import http


def create_link(
    *,
    name: str,
    notify_url: str,
    success_url: str,
    failure_url: str,
    expires_at: datetime,
    reconnect_account: str = "",
    timeout: float | None = None,
) -> str:
    """Return the address of a page that connects an account, or reconnects the named one.

    Unipile sends `name` to `notify_url` when the person has logged in.
    https://developer.unipile.com/reference/hostedcontroller_requestlink
    """
    about = f"a link for account {reconnect_account}" if reconnect_account else "a link"
    kind: dict[str, Any] = {"type": "create", "providers": ["LINKEDIN"]}
    if reconnect_account:
        kind = {"type": "reconnect", "reconnect_account": reconnect_account}
    expires_at = expires_at.astimezone(UTC).replace(tzinfo=None)
    body = {
        **kind,
        "api_url": _api_url(),
        # Unipile refuses any other number of decimals.
        "expiresOn": f"{expires_at.isoformat(timespec='milliseconds')}Z",
        "name": name,
        "notify_url": notify_url,
        "success_redirect_url": success_url,
        "failure_redirect_url": failure_url,
    }
    answer = http.begin(
        "POST",
        "/hosted/accounts/link",
        about=about,
        json=body,
        account=bool(reconnect_account),
        timeout=timeout,
    ).wait()
    # Unipile spells `object` in two ways.
    match answer:
        case {"url": str(url)} if url.startswith(("https://", "http://")):
            return url
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} holds no address.")


def _api_url() -> str:
    """Return the workspace's own address, also where we ask it through port 443."""
    dsn = conf.unipile_dsn
    if "port" not in dsn.query:
        return dsn.base_url
    return re.sub(r":[0-9]+$", "", dsn.base_url) + f":{dsn.query['port']}"
