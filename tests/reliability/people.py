"""Those who are busy at once on several servers: customers, staff, cron and Unipile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import requests

from script.serving import PASSWORD, Service
from tests.reliability.watching import PLANS, SECRET
from unipile_sandbox import Fault, LinkError, linkedin_account

CUSTOMERS = ["owner", "first", "second", "third"]
MEMBERS = [f"ACoAAB{number:0>33}" for number in range(8)]
WORDS = ["OK", "CREDENTIALS", "SYNC_SUCCESS", "CREATION_SUCCESS", "DELETED", "CONNECTING"]
ROWS = "/admin/unipile_accounts/unipileaccount/"
WEBHOOK = "/api/webhooks/unipile"


class Crowd:
    """What many do at the same time, and what they were answered."""

    def __init__(self, servers: list[Service], users: dict[str, int], seed: str) -> None:
        self.servers, self.users, self.seed = servers, users, seed
        self.sandbox = servers[0].sandbox
        self.answers: Counter[tuple[str, int]] = Counter()
        self.told: Counter[str] = Counter()
        # All accounts start as the owner's rows. No link has brought them.
        self.owners = dict.fromkeys(self.sandbox.accounts, "owner")
        self.by_hand = {*self.owners}
        self.printed: list[str] = []
        self.lock = threading.Lock()
        self._ends = 0.0

    def begin(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def until_the_end(self, step: Callable[[], object], *, pause: float = 0) -> None:
        while time.monotonic() < self._ends:
            step()
            time.sleep(pause)

    def run_command(self, *options: str) -> None:
        command = [sys.executable, "manage.py", "refresh_unipile_accounts", "--quiet", *options]
        env = self.servers[0].environment
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        with self.lock:
            self.answers["command ended with", done.returncode] += 1
        self.printed.append(done.stderr)


class Somebody:
    """One who chooses by the seed what to do next."""

    def __init__(self, crowd: Crowd, name: str) -> None:
        self.crowd, self.name, self.sandbox = crowd, name, crowd.sandbox
        self.chance = Random(f"{crowd.seed} {name}")
        self.session = requests.Session()
        # The server may close a kept connection just when the next request is sent.
        self.session.headers["Connection"] = "close"

    def ask(self, what: str, method: str, path: str, **options: Any) -> requests.Response:
        port = self.chance.choice(self.crowd.servers).port
        url = f"http://127.0.0.1:{port}{path}"
        response = self.session.request(method, url, timeout=60, **options)
        with self.crowd.lock:
            self.crowd.answers[what, response.status_code] += 1
        return response


class Unipile(Somebody):
    """Changes accounts, fails now and then, and sends events."""

    def __call__(self) -> None:
        account = self.chance.choice(list(self.sandbox.accounts))
        changes: list[dict[str, Any]] = [
            *[{"premium_features": plan} for plan in PLANS],
            *[{"status": status} for status in ("CREDENTIALS", "OK", "OK", "OK")],
            {"name": f"Name {self.chance.random()}"},
        ]
        with suppress(KeyError):
            self.sandbox.update(account, **self.chance.choice(changes))
        if self.chance.random() < 0.2:
            # A pass that cannot read the list does nothing more.
            failing: Any = self.chance.choice([*["account", "delete", "profile"] * 5, "list"])
            times = self.chance.randint(1, 4)
            self.sandbox.inject(Fault(status=503), operation=failing, times=times)

    def send_events(self, count: int) -> None:
        """Send so many events of any account twice, and now and then a notice once more."""
        self.session.headers["Unipile-Auth"] = SECRET
        for _ in range(count // 25):
            names = self.chance.choices(list(self.sandbox.accounts), k=25)
            about = [{"account_id": name, "account_type": "LINKEDIN"} for name in names]
            events = [
                {"AccountStatus": {**each, "message": self.chance.choice(WORDS)}} for each in about
            ]
            notices = [each.payload for each in self.sandbox.deliveries if each.kind == "notice"]
            bodies: list[Any] = [*events, *events, *notices[-5:]]
            for body in self.chance.sample(bodies, len(bodies)):
                self.ask("event", "POST", WEBHOOK, json=body)


class Customer(Somebody):
    """A customer, who has all his members log in whenever it comes to his mind."""

    def __init__(self, crowd: Crowd, owner: str, number: int) -> None:
        super().__init__(crowd, f"{owner} {number}")
        self.owner = owner
        body = {"username": owner, "password": PASSWORD}
        answer = self.ask("token", "POST", "/api/token", json=body).json()
        self.session.headers["Authorization"] = f"Bearer {answer['access']}"

    def __call__(self) -> None:
        listed = self._ask("GET", "accounts?status=all").json()["accounts"]
        row = self.chance.choice(listed)["id"] if listed else ""
        steps = [self.connect, *[self.refresh] * 8, *[self.reconnect] * 2, self.disconnect]
        self.chance.choice(steps if row else steps[:1])(row)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        what = f"{method} {path.partition('?')[0]}"
        return self.ask(what, method, f"/api/unipile/{path}", **options)

    def refresh(self, row: str) -> None:
        body = {"accountId": row, "live": self.chance.random() < 0.2}
        answer = self._ask("POST", "refresh", json=body)
        if answer.status_code == 200:
            changed = answer.json()["changed"]
            with self.crowd.lock:
                self.crowd.told.update(name for name, is_changed in changed.items() if is_changed)

    def connect(self, row: str) -> None:
        """Use one link, or two at once for the same member."""
        member = self.chance.choice(MEMBERS)
        links = [self._ask("POST", "connect") for _ in range(self.chance.choice([1, 2]))]
        for link in links:
            self._log_in(link, member)

    def reconnect(self, row: str) -> None:
        link = self._ask("POST", "reconnect", json={"accountId": row})
        self._log_in(link, self.chance.choice([None, None, *MEMBERS[:2]]))

    def disconnect(self, row: str) -> None:
        self._ask("DELETE", f"accounts?accountId={row}")

    def _log_in(self, link: requests.Response, member: str | None) -> None:
        if link.status_code == 200:
            name = "Mara" if member else None
            plan = self.chance.choice(PLANS)
            # Unipile itself refuses another member on the link of an account that it has.
            with suppress(LinkError):
                account = self.sandbox.log_in(
                    link.json()["url"], member_id=member, name=name, premium_features=plan
                )
                self.crowd.owners[account] = self.owner


class Staff(Somebody):
    """Somebody in the admin, who adds accounts by hand and refreshes what is on the page."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd, "staff")
        self._ask("GET", "/admin/login/")
        login = {"username": "owner", "password": PASSWORD}
        self._ask("POST", f"/admin/login/?next={ROWS}", data=login)

    def __call__(self) -> None:
        self.chance.choice([self.add, self.refresh])()

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"X-CSRFToken": self.session.cookies.get("csrftoken") or ""}
        return self.ask("admin", method, path, headers=headers, **options)

    def add(self) -> None:
        customer = self.chance.choice(CUSTOMERS)
        member, plan = self.chance.choice(MEMBERS), self.chance.choice(PLANS)
        account = self.sandbox.add(linkedin_account(member_id=member, premium_features=plan))
        self.crowd.owners[account] = customer
        self.crowd.by_hand.add(account)
        body = {"user": self.crowd.users[customer], "unipile_account_id": account}
        self._ask("POST", f"{ROWS}add/", data=body)

    def refresh(self) -> None:
        with self.crowd.servers[0].connect() as connection:
            found = connection.execute("SELECT id FROM unipile_accounts").fetchall()
        chosen = [str(each["id"]) for each in self.chance.sample(found, min(30, len(found)))]
        action = self.chance.choice(
            ["refresh_from_unipile", "refresh_from_unipile", "ask_linkedin"]
        )
        self._ask("POST", ROWS, data={"action": action, "_selected_action": chosen})
