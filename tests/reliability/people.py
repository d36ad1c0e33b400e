"""Those who are busy at once on several servers: customers, staff, cron and Unipile."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import requests

from script.serving import PASSWORD, Service
from unipile_sandbox import Fault, LinkError, linkedin_account

SECRET = "a-secret-for-tests-only"
CUSTOMERS = ["owner", "first", "second", "third"]
MEMBERS = [f"ACoAAB{number:0>33}" for number in range(8)]
PLANS: list[list[str]] = [[], ["premium"], ["premium", "sales_navigator"]]
WORDS = ["OK", "CREDENTIALS", "SYNC_SUCCESS", "CREATION_SUCCESS", "DELETED", "CONNECTING"]
ROWS = "/admin/unipile_accounts/unipileaccount/"
WEBHOOK = "/api/webhooks/unipile"


class Crowd:
    """What many do at the same time, and what they were answered."""

    def __init__(self, servers: list[Service], users: dict[str, int]) -> None:
        self.servers, self.users, self.sandbox = servers, users, servers[0].sandbox
        self.answers: Counter[tuple[str, int]] = Counter()
        self.told: Counter[str] = Counter()
        self.owners: dict[str, str] = {}
        self.by_hand: set[str] = set()
        self.printed: list[str] = []
        self._lock = threading.Lock()
        self._ends = 0.0

    def begin(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def until_the_end(self, step: Callable[[], object], *, pause: float = 0) -> None:
        while time.monotonic() < self._ends:
            step()
            time.sleep(random.uniform(0, pause))

    def ask(
        self, what: str, method: str, path: str, session: requests.Session, **options: Any
    ) -> requests.Response:
        url = f"http://127.0.0.1:{random.choice(self.servers).port}{path}"
        response = session.request(method, url, timeout=60, **options)
        with self._lock:
            self.answers[what, response.status_code] += 1
        return response

    def hear(self, changes: Iterable[str]) -> None:
        with self._lock:
            self.told.update(changes)

    def run_command(self, *options: str) -> None:
        command = [sys.executable, "manage.py", "refresh_unipile_accounts", "--quiet", *options]
        env = self.servers[0].environment
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        with self._lock:
            self.answers["command ended with", done.returncode] += 1
        self.printed.append(done.stderr)

    def change_unipile(self) -> None:
        account = random.choice(list(self.sandbox.accounts))
        changes: list[dict[str, Any]] = [
            *[{"premium_features": plan} for plan in PLANS],
            *[{"status": status} for status in ("CREDENTIALS", "OK", "OK", "OK")],
            {"name": f"Name {random.random()}"},
        ]
        with suppress(KeyError):
            self.sandbox.update(account, **random.choice(changes))
        if random.random() < 0.2:
            # A pass that cannot read the list does nothing more.
            failing: Any = random.choice([*["account", "delete", "profile"] * 5, "list"])
            self.sandbox.inject(Fault(status=503), operation=failing, times=random.randint(1, 4))

    def send_events(self, count: int) -> None:
        """Send so many events of any account twice, and now and then a notice once more."""
        session = quiet_session()
        session.headers["Unipile-Auth"] = SECRET
        for _ in range(count // 25):
            names = random.choices(list(self.sandbox.accounts), k=25)
            about = [{"account_id": name, "account_type": "LINKEDIN"} for name in names]
            events = [
                {"AccountStatus": {**each, "message": random.choice(WORDS)}} for each in about
            ]
            notices = [each.payload for each in self.sandbox.deliveries if each.kind == "notice"]
            bodies: list[Any] = [*events, *events, *notices[-5:]]
            for body in random.sample(bodies, len(bodies)):
                self.ask("event", "POST", WEBHOOK, session, json=body)


class Customer:
    """A customer, who has all his members log in whenever it comes to his mind."""

    def __init__(self, crowd: Crowd, name: str) -> None:
        self.crowd, self.name, self.session = crowd, name, quiet_session()
        body = {"username": name, "password": PASSWORD}
        answer = crowd.ask("token", "POST", "/api/token", self.session, json=body).json()
        self.session.headers["Authorization"] = f"Bearer {answer['access']}"

    def __call__(self) -> None:
        listed = self._ask("GET", "accounts?status=all").json()["accounts"]
        row = random.choice(listed)["id"] if listed else ""
        steps = [self.connect, *[self.refresh] * 8, *[self.reconnect] * 2, self.disconnect]
        random.choice(steps if row else steps[:1])(row)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        what = f"{method} {path.partition('?')[0]}"
        return self.crowd.ask(what, method, f"/api/unipile/{path}", self.session, **options)

    def refresh(self, row: str) -> None:
        body = {"accountId": row, "live": random.random() < 0.2}
        answer = self._ask("POST", "refresh", json=body)
        if answer.status_code == 200:
            changed = answer.json()["changed"]
            self.crowd.hear(name for name, is_changed in changed.items() if is_changed)

    def connect(self, row: str) -> None:
        """Use one link, or two at once for the same member."""
        member = random.choice(MEMBERS)
        links = [self._ask("POST", "connect") for _ in range(random.choice([1, 2]))]
        for link in links:
            self._log_in(link, member)

    def reconnect(self, row: str) -> None:
        link = self._ask("POST", "reconnect", json={"accountId": row})
        self._log_in(link, random.choice([None, None, *MEMBERS[:2]]))

    def disconnect(self, row: str) -> None:
        self._ask("DELETE", f"accounts?accountId={row}")

    def _log_in(self, link: requests.Response, member: str | None) -> None:
        if link.status_code == 200:
            name = "Mara" if member else None
            plan = random.choice(PLANS)
            url = link.json()["url"]
            # Unipile itself refuses another member on the link of an account that it has.
            with suppress(LinkError):
                account = self.crowd.sandbox.log_in(
                    url, member_id=member, name=name, premium_features=plan
                )
                self.crowd.owners[account] = self.name


class Staff:
    """Somebody in the admin, who adds accounts by hand and refreshes what is on the page."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.session = crowd, quiet_session()
        self._ask("GET", "/admin/login/")
        self._ask(
            "POST", f"/admin/login/?next={ROWS}", data={"username": "owner", "password": PASSWORD}
        )

    def __call__(self) -> None:
        random.choice([self.add, self.refresh])()

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"X-CSRFToken": self.session.cookies.get("csrftoken") or ""}
        return self.crowd.ask("admin", method, path, self.session, headers=headers, **options)

    def add(self) -> None:
        customer = random.choice(CUSTOMERS)
        payload = linkedin_account(
            member_id=random.choice(MEMBERS), premium_features=random.choice(PLANS)
        )
        account = self.crowd.sandbox.add(payload)
        self.crowd.owners[account] = customer
        self.crowd.by_hand.add(account)
        body = {"user": self.crowd.users[customer], "unipile_account_id": account}
        self._ask("POST", f"{ROWS}add/", data=body)

    def refresh(self) -> None:
        with self.crowd.servers[0].connect() as connection:
            found = connection.execute("SELECT id FROM unipile_accounts").fetchall()
        chosen = [str(each["id"]) for each in random.sample(found, min(30, len(found)))]
        action = random.choice(["refresh_from_unipile", "refresh_from_unipile", "ask_linkedin"])
        self._ask("POST", ROWS, data={"action": action, "_selected_action": chosen})


def quiet_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    # The server may close a kept connection just when the next request is sent.
    session.headers["Connection"] = "close"
    return session
