"""What a sandbox holds, and what can happen to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from unipile_sandbox import hosted
from unipile_sandbox.accounts import AccountStore
from unipile_sandbox.deliveries import Delivery
from unipile_sandbox.fault_queue import FaultQueue
from unipile_sandbox.outbox import DeliverySettings, Outbox
from unipile_sandbox.payloads import Payload, change
from unipile_sandbox.people import new_person
from unipile_sandbox.plans import PlanStore, member_of
from unipile_sandbox.profile import owner_profile
from unipile_sandbox.server import Request
from unipile_sandbox.webhooks import Webhook, read_webhook
from unipile_sandbox.workspace import ListingSettings, Workspace


class Life:
    """Accounts at Unipile and their plans at LinkedIn, requests that came, and faults to come."""

    def __init__(
        self,
        accounts: Iterable[Payload],
        plans: Mapping[str, Mapping[str, Any]],
        *,
        record: int,
        retry_delays: Sequence[float],
    ) -> None:
        self._lock = threading.RLock()
        self._initial = AccountStore(accounts)
        self._initial_plans = PlanStore()
        for account_id, plan in plans.items():
            self._initial_plans.set(member_of(self._initial.get(account_id)), plan)
        self.outbox = Outbox(retry_delays)
        self._faults = FaultQueue()
        self.inject = self._faults.inject
        self.clear_faults = self._faults.clear
        self._requests: deque[Request] = deque(maxlen=record)
        self.reset()

    def reset(self) -> None:
        """Go back to the accounts of the start, without faults, latency and counts."""
        # A receiver may be asking this sandbox, so no lock is held yet.
        self.outbox.clear()
        with self._lock:
            self._workspace = Workspace(
                self._initial.copy(), self._initial_plans.copy(), self.outbox
            )
            self._faults.clear()
            self._requests.clear()
            self.request_count = 0
            self.latency = 0.0
            self.on_answer: Callable[[Request], None] | None = None

    @property
    def accounts(self) -> dict[str, Payload]:
        """What is at Unipile now, by id."""
        with self._lock:
            store = self._workspace.accounts
            return {account_id: store.get(account_id) for account_id in store.ids()}

    @property
    def requests(self) -> list[Request]:
        """The last requests to the API, `record` of them at most."""
        with self._lock:
            return list(self._requests)

    @property
    def asked_to_delete(self) -> list[str]:
        """The account of each DELETE that came, whether or not it was deleted."""
        paths = [asked.path for asked in self.requests if asked.method == "DELETE"]
        return [unquote(path.rpartition("/")[2]) for path in paths if "/accounts/" in path]

    @property
    def webhooks(self) -> list[Webhook]:
        with self._lock:
            return self._workspace.webhooks.all()

    @property
    def deliveries(self) -> list[Delivery]:
        """All events and notices in their order."""
        return self.outbox.all()

    @property
    def delivery(self) -> DeliverySettings:
        return self.outbox.settings

    @property
    def listing(self) -> ListingSettings:
        return self._workspace.listing

    def state(self) -> dict[str, Any]:
        """Say what is there, and name the first hundred accounts."""
        with self._lock:
            return {
                "account_count": len(self._workspace.accounts),
                "request_count": self.request_count,
                "fault_count": len(self._faults),
                "webhook_count": len(self.webhooks),
                "delivery_count": len(self.deliveries),
                "accounts": self._workspace.accounts.names(100),
            }

    def add(self, payload: Payload) -> str:
        """Add an account or replace the one with its id, and return the id."""
        with self._lock:
            return self._workspace.accounts.put(payload)

    def load(self, payloads: Iterable[Payload]) -> None:
        for payload in payloads:
            self.add(payload)

    def get(self, account_id: str) -> Payload:
        with self._lock:
            return self._workspace.accounts.get(account_id)

    def update(self, account_id: str, /, **changes: Any) -> Payload:
        """Change keys where Unipile keeps them, as `payloads.change` does."""
        with self._lock:
            payload = self._workspace.accounts.get(account_id)
            change(payload, changes)
            self._workspace.accounts.put(payload)
            return payload

    def remove(self, account_id: str) -> None:
        """Take the account away without an event."""
        with self._lock:
            self._workspace.accounts.remove(account_id)

    def delete(self, account_id: str) -> None:
        """Delete the account as the API does, with its event."""
        with self._lock:
            self._workspace.delete(account_id)

    def log_out(self, account_id: str) -> None:
        """End the account's session at LinkedIn, with an event CREDENTIALS."""
        with self._lock:
            self._workspace.log_out(account_id)

    def log_in(
        self, url: str, *, member_id: str | None = None, name: str | None = None, **changes: Any
    ) -> str:
        """Log a member in on the hosted page, and return the account's id.

        The member is a known one, a new person of that name, or else the one to reconnect.
        `changes` go into the account as with `update`. LinkError means that nothing was changed.
        """
        with self._lock:
            link = hosted.open_link(self._workspace, url.rpartition("/")[2])
            person = None
            if name is None:
                person = hosted.find_person(self._workspace, link, member_id)
            if person is None:
                person = new_person(name or "Robin Sample", member_id)
            return hosted.log_in(self._workspace, link, person, changes)

    def restart(self) -> None:
        """Let all links die and each account send CONNECTING and OK, as Unipile does each day."""
        with self._lock:
            self._workspace.restart()

    def member_id(self, account_id: str) -> str:
        """Return connection_params.im.id, the LinkedIn member of the account."""
        return member_of(self.get(account_id))

    def set_plan(self, account_id: str, /, **changes: Any) -> dict[str, Any]:
        """Change what LinkedIn says of the account's member in users/me, and return that answer.

        A seat (`sales_navigator`, `recruiter`) is True, False, an error's word such as
        "DISCONNECTED", or any value. `premium` and other keys are taken as given. `omit` lists
        keys to leave out. Unipile's copy in the account stays until the next login.
        """
        with self._lock:
            self._workspace.plans.set(self.member_id(account_id), changes)
            return self.profile(account_id)

    def profile(self, account_id: str) -> dict[str, Any]:
        with self._lock:
            return owner_profile(self.get(account_id), self._workspace.plans)

    def add_webhook(self, request_url: str, *, secret: str | None = None, **fields: Any) -> str:
        """Register a webhook that sends `secret` as Unipile-Auth, and return its id."""
        headers = [] if secret is None else [{"key": "Unipile-Auth", "value": secret}]
        body = {"source": "account_status", "request_url": request_url, "headers": headers}
        webhook = read_webhook({**body, **fields})
        with self._lock:
            self._workspace.webhooks.add(webhook)
        return webhook.id

    def wait_for_deliveries(
        self, *, attempts: int | None = None, timeout: float = 10
    ) -> list[Delivery]:
        """Return all deliveries when none is open, or each was tried so often."""
        return self.outbox.wait(attempts=attempts, timeout=timeout)
