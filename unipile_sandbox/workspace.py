"""One customer's accounts, webhooks and links at Unipile, and what happens to them."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from unipile_sandbox.accounts import AccountStore
from unipile_sandbox.links import Link, LinkStore
from unipile_sandbox.outbox import Outbox
from unipile_sandbox.payloads import Payload, change
from unipile_sandbox.plans import SEATS, PlanStore, copied_features, member_of
from unipile_sandbox.webhooks import WebhookStore

Outcome = Literal["connected", "wrong_account", "gone"]


@dataclass
class ListingSettings:
    """How the list of accounts behaves. A test may change any of it."""

    # Behind the last account come empty pages, each with a cursor that is new.
    endless: bool = False


class Workspace:
    """What is behind the API. Its methods are called while the sandbox's lock is held."""

    def __init__(self, accounts: AccountStore, plans: PlanStore, outbox: Outbox) -> None:
        self.accounts = accounts
        self.plans = plans
        self.outbox = outbox
        self.webhooks = WebhookStore()
        self.links = LinkStore()
        self.listing = ListingSettings()

    def delete(self, account_id: str) -> None:
        kind = self._type(account_id)
        self.accounts.remove(account_id)
        self.send_event(account_id, "DELETED", account_type=kind)

    def log_out(self, account_id: str) -> None:
        """End the account's session at LinkedIn."""
        payload = self.accounts.get(account_id)
        change(payload, {"status": "CREDENTIALS"})
        self.accounts.put(payload)
        self.send_event(account_id, "CREDENTIALS")

    def restart(self) -> None:
        """Let all links die and every account connect again, as Unipile does each day."""
        self.links.expire_all()
        for account_id in self.accounts.ids():
            self.send_event(account_id, "CONNECTING")
            self.send_event(account_id, "OK")

    def send_event(
        self,
        account_id: str,
        message: str,
        *,
        account_type: str | None = None,
        product: str | None = None,
    ) -> None:
        """Send it to each webhook that asked for such events."""
        state = {
            "account_id": account_id,
            "account_type": account_type or self._type(account_id),
            "message": message,
        }
        payload = {"AccountStatus": state | ({"product": product} if product else {})}
        for webhook in self.webhooks.all():
            if webhook.wants(account_id, message):
                headers = dict(webhook.headers)
                self.outbox.add("event", account_id, webhook.request_url, payload, headers)

    def finish_link(
        self, link: Link, person: Payload, changes: dict[str, Any]
    ) -> tuple[Outcome, str]:
        """Log the person in. Return the outcome, and the account's id if it is connected."""
        if link.reconnect_account is None:
            payload = self._new_account(person)
        elif link.reconnect_account not in self.accounts:
            return "gone", ""
        else:
            payload = self.accounts.get(link.reconnect_account)
            if member_of(payload) != member_of(person):
                return "wrong_account", ""
        change(payload, {"status": "OK"})
        self.plans.copy_into(payload)
        change(payload, changes)
        link.is_used = True
        account_id = self.accounts.put(payload)
        self._announce(link, account_id)
        return "connected", account_id

    def _new_account(self, person: Payload) -> Payload:
        account_id = secrets.token_urlsafe(16)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sources = [{"id": f"{account_id}_MESSAGING", "status": "OK"}]
        return copy.deepcopy(person) | {"id": account_id, "created_at": now, "sources": sources}

    def _announce(self, link: Link, account_id: str) -> None:
        """Send both messages, which may come in either order, and then those of the first sync."""
        status = "CREATION_SUCCESS" if link.type == "create" else "RECONNECTED"
        event_first = self.outbox.settings.first == "event"
        if event_first:
            self.send_event(account_id, status)
        self._send_notice(link, status, account_id)
        if not event_first:
            self.send_event(account_id, status)
        self.send_event(account_id, "OK")
        if link.type == "create":
            self._send_sync_success(account_id)

    def _send_notice(self, link: Link, status: str, account_id: str) -> None:
        """Send a hosted link's notice, without header, content type or secret."""
        payload = {"status": status, "account_id": account_id}
        if link.name is not None:
            payload["name"] = link.name
        if link.notify_url is not None:
            self.outbox.add("notice", account_id, link.notify_url, payload, {})

    def _send_sync_success(self, account_id: str) -> None:
        """Send one event, or one for each product when the account has a paid one."""
        features = copied_features(self.accounts.get(account_id))
        paid = [name for name in SEATS if name in features]
        for product in ("classic", *paid) if paid else (None,):
            self.send_event(account_id, "SYNC_SUCCESS", product=product)

    def _type(self, account_id: str) -> str:
        return str(self.accounts.get(account_id).get("type"))
