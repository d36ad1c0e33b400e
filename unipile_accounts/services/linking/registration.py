"""Finding, creating and deleting Unipile's webhook for our events."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.urls import reverse

from unipile_accounts.conf import conf
from unipile_accounts.unipile import (
    ACCOUNT_EVENTS,
    create_account_webhook,
    delete_webhook,
    list_webhooks,
)


def register_webhook() -> dict[str, str]:
    """Have one webhook send every event to our address, with our first secret.

    Return the ids of what was found or created, and what became of each. Others of ours are deleted
    after it is there, so that no event is lost. Raises `UnipileNotConfigured` or a `UnipileError`.
    """
    url, secret = _address(), conf.webhook_secrets[0]
    ours = {str(each.get("id")): _faults(each, secret) for each in _ours(url)}
    kept = next((each for each, faults in ours.items() if not faults), None)
    right = kept or create_account_webhook(request_url=url, secret=secret)
    found = {right: "there already" if kept else "created"}
    for webhook_id in ours.keys() - {kept}:
        delete_webhook(webhook_id)
        why = " and ".join(ours[webhook_id]) or "there was another"
        found[webhook_id] = f"deleted, because {why}"
    return found


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


def _secret(webhook: dict[str, Any]) -> str | None:
    sent = {each["key"].lower(): each["value"] for each in webhook.get("headers") or []}
    return sent.get("unipile-auth")


def _faults(webhook: dict[str, Any], secret: str) -> list[str]:
    faults = []
    if _secret(webhook) != secret:
        faults.append("it carried another secret")
    missing = sorted(set(ACCOUNT_EVENTS) - set(webhook.get("events") or []))
    if missing:
        faults.append(f"it left out {', '.join(missing)}")
    if webhook.get("enabled") is False:
        faults.append("it was switched off")
    return faults
