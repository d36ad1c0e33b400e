"""Finding, creating and deleting Unipile's webhook for our events."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from django.urls import reverse

from unipile_accounts.conf import conf
from unipile_accounts.unipile import (
    ACCOUNT_EVENTS,
    create_account_webhook,
    delete_webhook,
    list_webhooks,
)


class Registration(NamedTuple):
    """A webhook that sends events to us, and what is wrong with it."""

    webhook_id: str
    is_new: bool
    faults: list[str]


def register_webhook() -> list[Registration]:
    """Create Unipile's webhook for our address unless there is one, and return those there are.

    Raises `UnipileNotConfigured` or a `UnipileError`.
    """
    url, secret = _address(), conf.webhook_secrets[0]
    found = [
        Registration(str(webhook.get("id")), False, _faults(webhook, secret))
        for webhook in _ours(url)
    ]
    return found or [Registration(create_account_webhook(request_url=url, secret=secret), True, [])]


def delete_webhooks() -> list[str]:
    """Delete the webhooks that send events to our address, and return their ids."""
    ids = [str(webhook.get("id")) for webhook in _ours(_address())]
    for webhook_id in ids:
        delete_webhook(webhook_id)
    return ids


def _address() -> str:
    return conf.public_url + reverse("unipile-webhook")


def _ours(url: str) -> list[dict[str, Any]]:
    return [each for each in list_webhooks() if _same(each.get("request_url", "")) == _same(url)]


def _same(url: str) -> SplitResult:
    """Return an address without what makes no difference."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path.rstrip("/"))


def _faults(webhook: dict[str, Any], secret: str) -> list[str]:
    faults = []
    sent = {each["key"].lower(): each["value"] for each in webhook.get("headers") or []}
    if sent.get("unipile-auth") != secret:
        faults.append("it carries another secret")
    missing = sorted(set(ACCOUNT_EVENTS) - set(webhook.get("events") or []))
    if missing:
        faults.append(f"it leaves out {', '.join(missing)}")
    if webhook.get("enabled") is False:
        faults.append("it is switched off")
    return faults
