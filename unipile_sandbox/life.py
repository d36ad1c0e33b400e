"""What can happen to an account between its first login and its end."""

from __future__ import annotations

import threading
from typing import Any

from unipile_sandbox import hosted
from unipile_sandbox.deliveries import Delivery, DeliverySettings
from unipile_sandbox.outbox import Outbox
from unipile_sandbox.people import new_person
from unipile_sandbox.plans import member_of
from unipile_sandbox.profile import owner_profile
from unipile_sandbox.settings import ListingSettings, SearchSettings
from unipile_sandbox.webhooks import Webhook, read_webhook
from unipile_sandbox.workspace import Workspace


class Life:
    """The part of a sandbox that tells Unipile and LinkedIn what to do."""

    outbox: Outbox
    _lock: threading.RLock
    _workspace: Workspace

    @property
    def deliveries(self) -> list[Delivery]:
        """All events and notices, in the order in which they came about."""
        return self.outbox.all()

    @property
    def delivery(self) -> DeliverySettings:
        """How events and notices are sent; see `deliveries.DeliverySettings`."""
        return self.outbox.settings

    @property
    def listing(self) -> ListingSettings:
        """How the list of accounts behaves; see `settings.ListingSettings`."""
        return self._workspace.listing

    @property
    def search(self) -> SearchSettings:
        """How many people there are to find; see `settings.SearchSettings`."""
        return self._workspace.search

    @property
    def webhooks(self) -> list[Webhook]:
        with self._lock:
            return self._workspace.webhooks.all()

    def add_webhook(self, request_url: str, *, secret: str | None = None, **fields: Any) -> str:
        """Register a webhook for account_status and return its id; `secret` is Unipile-Auth."""
        headers = [] if secret is None else [{"key": "Unipile-Auth", "value": secret}]
        body = {"source": "account_status", "request_url": request_url, "headers": headers}
        webhook = read_webhook({**body, **fields})
        with self._lock:
            self._workspace.webhooks.add(webhook)
        return webhook.id

    def log_in(
        self, url: str, *, member_id: str | None = None, name: str | None = None, **changes: Any
    ) -> str:
        """Do on the hosted page what a person does, and return the account's id.

        A known member, a new person of that name, or else the member to reconnect. `changes` go
        into the account as with `update`. Raises LinkError; then nothing is changed.
        """
        with self._lock:
            link = hosted.open_link(self._workspace, url.rpartition("/")[2])
            person = None
            if name is None:
                person = hosted.find_person(self._workspace, link, member_id)
            if person is None:
                person = new_person(name or "Robin Sample", member_id)
            return hosted.log_in(self._workspace, link, person, changes)

    def expire_links(self) -> None:
        with self._lock:
            self._workspace.links.expire_all()

    def log_out(self, account_id: str) -> None:
        """End the account's session at LinkedIn: every source CREDENTIALS, and that event."""
        with self._lock:
            self._workspace.log_out(account_id)

    def delete(self, account_id: str) -> None:
        """Delete the account as the API does, with its event; `remove` is silent."""
        with self._lock:
            self._workspace.delete(account_id)

    def restart(self) -> None:
        """Do Unipile's daily restart: links die, each account sends CONNECTING and then OK."""
        with self._lock:
            self._workspace.restart()

    def send_event(self, account_id: str, message: str, **options: str) -> None:
        """Send one to the webhooks that asked for it; options are `account_type`, `product`."""
        with self._lock:
            self._workspace.send_event(account_id, message, **options)

    def send_sync_success(self, account_id: str) -> None:
        """Send the event, twice for an account with a paid product."""
        with self._lock:
            self._workspace.send_sync_success(account_id)

    def send_notice(
        self, url: str, account_id: str, name: str | None, *, status: str = "CREATION_SUCCESS"
    ) -> None:
        """Send a hosted link's notice, of which nothing need be true."""
        with self._lock:
            self._workspace.send_notice(url, status, account_id, name)

    def wait_for_deliveries(
        self, *, attempts: int | None = None, timeout: float = 10
    ) -> list[Delivery]:
        """Return all deliveries when none is open, or each was tried so often."""
        return self.outbox.wait(attempts=attempts, timeout=timeout)

    def member_id(self, account_id: str) -> str:
        """Return the LinkedIn member of the account: connection_params.im.id."""
        with self._lock:
            return member_of(self._workspace.accounts.get(account_id))

    def set_plan(self, account_id: str, /, **changes: Any) -> dict[str, Any]:
        """Change what LinkedIn, and so users/me, says of the account's member; return that answer.

        A seat (`sales_navigator`, `recruiter`) is True, False, an error's word such as
        "DISCONNECTED", or any value; `premium` and other keys are taken as given; `omit` lists
        keys to leave out. Unipile's copy in the account stays until the next login.
        """
        with self._lock:
            self._workspace.plans.set(self.member_id(account_id), changes)
            return self.profile(account_id)

    def profile(self, account_id: str) -> dict[str, Any]:
        with self._lock:
            payload = self._workspace.accounts.get(account_id)
            return owner_profile(payload, self._workspace.plans)
