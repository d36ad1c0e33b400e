"""One customer of Unipile: accounts, webhooks and links, and what happens to them."""

from __future__ import annotations

import copy
import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from unipile_sandbox.accounts import AccountStore
from unipile_sandbox.links import Link, LinkStore
from unipile_sandbox.outbox import Outbox
from unipile_sandbox.payloads import Payload, change, linkedin_account
from unipile_sandbox.plans import SEATS, PlanStore, copied_features, member_of
from unipile_sandbox.settings import ListingSettings, SearchSettings
from unipile_sandbox.webhooks import WebhookStore

Outcome = Literal["connected", "wrong_account", "gone"]


class Workspace:
    """What is behind the API. Its methods are called while the sandbox's lock is held."""

    def __init__(self, accounts: AccountStore, plans: PlanStore, outbox: Outbox) -> None:
        self.accounts = accounts
        self.plans = plans
        self.outbox = outbox
        self.webhooks = WebhookStore()
        self.links = LinkStore()
        self.listing = ListingSettings()
        self.search = SearchSettings()

    def delete(self, account_id: str) -> None:
        kind = self._type(account_id)
        self.accounts.remove(account_id)
        self.send_event(account_id, "DELETED", account_type=kind)

    def grow(self) -> None:
        """Add the accounts that appear while a page is on its way."""
        listing = self.listing
        if listing.grow_by and listing.growths:
            listing.growths -= 1
            for _ in range(listing.grow_by):
                self.accounts.put(linkedin_account(), first=listing.newest_first)

    def log_out(self, account_id: str) -> None:
        """End the account's session at LinkedIn."""
        payload = self.accounts.get(account_id)
        change(payload, {"status": "CREDENTIALS"})
        self.accounts.put(payload)
        self.send_event(account_id, "CREDENTIALS")

    def restart(self) -> None:
        """Do what Unipile does each day: links die, every account connects again."""
        self.links.expire_all()
        for account_id in self.accounts.ids():
            kind = self._type(account_id)
            self.send_event(account_id, "CONNECTING", account_type=kind)
            self.send_event(account_id, "OK", account_type=kind)

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

    def send_notice(self, url: str, status: str, account_id: str, name: str | None) -> None:
        """Send what a hosted link announces: no header, no content type, no secret."""
        payload = {"status": status, "account_id": account_id}
        payload |= {} if name is None else {"name": name}
        self.outbox.add("notice", account_id, url, payload, {})

    def finish_link(
        self, link: Link, person: Payload, changes: dict[str, Any]
    ) -> tuple[Outcome, str]:
        """Log the person in; return what came of it, and the account's id if it is connected."""
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
        self._announce(link, payload)
        return "connected", account_id

    def _new_account(self, person: Payload) -> Payload:
        account_id = secrets.token_urlsafe(16)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sources = [{"id": f"{account_id}_MESSAGING", "status": "OK"}]
        return copy.deepcopy(person) | {"id": account_id, "created_at": now, "sources": sources}

    def _announce(self, link: Link, payload: Payload) -> None:
        """Send both messages, which may come in either order, and then those of the first sync."""
        account_id = payload["id"]
        status = "CREATION_SUCCESS" if link.type == "create" else "RECONNECTED"
        event_first = self.outbox.settings.first == "event"
        if event_first:
            self.send_event(account_id, status)
        if link.notify_url is not None:
            self.send_notice(link.notify_url, status, account_id, link.name)
        if not event_first:
            self.send_event(account_id, status)
        self.send_event(account_id, "OK")
        if link.type == "create":
            self.send_sync_success(account_id)

    def send_sync_success(self, account_id: str) -> None:
        """Send one event, or one for each product when the account has a paid one."""
        features = copied_features(self.accounts.get(account_id))
        paid = [name for name in SEATS if name in features]
        for product in ("classic", *paid) if paid else (None,):
            self.send_event(account_id, "SYNC_SUCCESS", product=product)

    def _type(self, account_id: str) -> str:
        return str(self.accounts.get(account_id).get("type"))
