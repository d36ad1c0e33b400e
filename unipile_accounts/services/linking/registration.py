"""Finding, creating and deleting Unipile's webhook for our events."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
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
    state: Literal["created", "there already", "replaced"]
    faults: list[str]


def register_webhook() -> list[Registration]:
    """Create Unipile's webhook for our address unless there is one, and return what was found.

    One with our second secret is deleted after the new one is there, so that no event is lost.
    Raises `UnipileNotConfigured` or a `UnipileError`.
    """
    url, (secret, *former) = _address(), conf.webhook_secrets
    ours = _ours(url)
    replaced = [str(each.get("id")) for each in ours if _secret(each) in former]
    found = [
        Registration(str(each.get("id")), "there already", _faults(each, secret))
        for each in ours
        if _secret(each) not in former
    ]
    if not found:
        webhook_id = create_account_webhook(request_url=url, secret=secret)
        found.append(Registration(webhook_id, "created", []))
    for webhook_id in replaced:
        delete_webhook(webhook_id)
        found.append(Registration(webhook_id, "replaced", []))
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
        faults.append("it carries another secret")
    missing = sorted(set(ACCOUNT_EVENTS) - set(webhook.get("events") or []))
    if missing:
        faults.append(f"it leaves out {', '.join(missing)}")
    if webhook.get("enabled") is False:
        faults.append("it is switched off")
    return faults
