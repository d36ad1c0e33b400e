"""Owners, members, staff and Unipile at random: no login is lost, and each change is told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from tests.helpers import api_client
from tests.reliability.conftest import examples
from tests.reliability.watching import (
    PLANS,
    SECRET,
    TROUBLES,
    Watcher,
    check_row,
    empty_tables,
    is_alive,
    owners_of,
    state,
    well_answered,
)
from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileError
from unipile_accounts.limits import plan_of
from unipile_accounts.models import ConnectLink, UnipileAccount
from unipile_accounts.results import Door, Origin
from unipile_accounts.services import (
    add_account,
    disconnect_account,
    move_account,
    refresh_account,
    refresh_accounts,
)
from unipile_accounts.services.linking.links import link_id
from unipile_sandbox import Sandbox, linkedin_account
from unipile_sandbox.hosted import LinkError

MEMBERS = [f"ACoAAB{number:0>33}" for number in range(4)]
NO_PLAN = {"omit": ["premiumFeatures", "premiumId"]}
WORDS = ["OK", "CREDENTIALS", "DELETED", "SYNC_SUCCESS", "CREATION_SUCCESS", "CONNECTING", "NEW"]
REFUSALS = (UnipileError, UnipileAccount.DoesNotExist, ProtectedError, IntegrityError)
ODD_IDS = ["../webhooks", "x" * 300, "acc_" + "x" * 18, "y" * 22, ""]

any_of = st.integers(0, 11)
# Some come more often, so that their logins meet.
members = st.sampled_from([MEMBERS[number] for number in (0, 0, 0, 0, 1, 1, 2, 3)])
someone = st.sampled_from([0, 0, 0, 1])
kills = st.none() | st.none() | st.none() | st.integers(1, 12)
plans = st.sampled_from(PLANS)


class Logins(RuleBasedStateMachine):
    """Each rule is a step of somebody's, or something that happens at Unipile."""

    sandbox: Sandbox
    owners: list[User]
    staff: User

    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        self.sandbox.reset()
        self.sandbox.outbox.hold()
        self.sandbox.add_webhook("http://testserver/api/webhooks/unipile", secret=SECRET)
        self.clients = {owner.pk: api_client(owner) for owner in self.owners}
        self.watcher = Watcher(self.sandbox, self.clients)
        self.urls: list[tuple[str, UUID]] = []
        self.genuine: dict[str, UUID] = {}
        self.claimed: set[str] = set()
        self.excused: set[str] = set()
        self.vanished: dict[str, dict[str, Any]] = {}
        # Another account of ours keeps the workspace ours.
        self._add(linkedin_account(name="Somebody else"), self.staff)

    # Helpers.

    def _add(self, payload: dict[str, Any], owner: User, **row: Any) -> None:
        self.watcher.meet(self.sandbox.add(payload))
        UnipileAccount.objects.create(user=owner, unipile_account_id=payload["id"], **row)

    def _step(
        self,
        work: Callable[[], Any],
        *,
        kill: int | None = None,
        owners: set[int] | None = None,
        logs_in: bool = False,
    ) -> Any:
        cache.clear()
        result = None
        if self.watcher.meanwhile:
            owners, logs_in = None, True
        with self.watcher.step(kill=kill, owners=owners, logs_in=logs_in):
            result = work()
        self._excuse()
        return result

    def _excuse(self) -> None:
        """Remember which logins need not become a row: each has met a reason to be refused."""
        now = state()
        for unipile_id, pk in self.genuine.items():
            link = now.links[pk]
            holder = now.holder(unipile_id)
            others = [
                each
                for each in now.links.values()
                if each["claimed_account_id"] == unipile_id and each["user_id"] != link["user_id"]
            ]
            if (
                others
                or link["expires_at"] < timezone.now()
                or link["claimed_account_id"] not in ("", unipile_id)
                or link["unipile_account_id"] not in ("", unipile_id)
                or (holder and holder["user_id"] != link["user_id"])
                or (link["reconnect_account"] and (holder is None or holder["given_up_at"]))
                or unipile_id in self.watcher.given_up
            ):
                self.excused.add(unipile_id)

    def _row(self, which: int, owner: User | None = None) -> UnipileAccount | None:
        rows = UnipileAccount.objects.exclude(user=self.staff).order_by("created_at", "pk")
        found = list(rows.filter(user=owner) if owner else rows)
        return found[which % len(found)] if found else None

    def _account(self, which: int) -> str | None:
        """Return one of the accounts at Unipile, but for the staff's."""
        there = [each for each in self.watcher.accounts[1:] if self.watcher.payload(each)]
        return there[which % len(there)] if there else None

    def _call(self, owner: User, method: str, path: str, body: Any = None) -> Any:
        client = self.clients[owner.pk]
        response = getattr(client, method)(f"/api/unipile/{path}", body, format="json")
        return well_answered(response)

    def _post(self, body: Any, secret: str = "") -> int:
        text = json.dumps(body)
        headers = {"Unipile-Auth": secret} if secret else {}
        client = next(iter(self.clients.values()))
        response = client.post(
            "/api/webhooks/unipile", text, content_type="text/plain", headers=headers
        )
        return int(well_answered(response).status_code)

    # What owners do.

    @initialize(plan=plans, which=any_of)
    def rows_from_before_members_were_known(self, plan: list[str], which: int) -> None:
        for known in MEMBERS[: which % 3]:
            payload = linkedin_account(im={"id": known}, premium_features=plan)
            flags = {"is_premium": bool(plan), "has_sales_navigator": "sales_navigator" in plan}
            self.watcher.learn(known, *flags.values())
            self.watcher.by_hand.add(payload["id"])
            row = plan_of(**flags).columns | {"refreshed_at": Now(), "answered_at": Now()}
            self._add(payload, self.owners[which % 2], **row)

    @rule(owner=someone, row=st.none() | any_of, kill=kills)
    def make_a_link(self, owner: int, row: int | None, kill: int | None) -> None:
        user = self.owners[owner]
        account = None if row is None else self._row(row, user)

        what = ("reconnect", {"accountId": str(account.pk)}) if account else ("connect",)
        work = partial(self._call, user, "post", *what)
        response = self._step(work, kill=kill, owners=set())
        if response is not None and response.status_code == 200:
            pk = ConnectLink.objects.latest("created_at").pk
            self.urls.append((response.json()["url"], pk))

    @rule(owner=someone, row=any_of, live=st.booleans(), kill=kills)
    def refresh(self, owner: int, row: int, live: bool, kill: int | None) -> None:
        user = self.owners[owner]
        if account := self._row(row, user):
            body = {"accountId": str(account.pk), "live": live}
            work = partial(self._call, user, "post", "refresh", body)
            self._step(work, kill=kill, owners={user.pk}, logs_in=not account.linkedin_id)

    @rule(owner=someone, row=any_of, kill=kills)
    def disconnect(self, owner: int, row: int, kill: int | None) -> None:
        user = self.owners[owner]
        if account := self._row(row, user):
            path = f"accounts?accountId={account.pk}"
            self.watcher.given_up |= self.watcher.held[account.pk]
            self._step(lambda: self._call(user, "delete", path), kill=kill, owners={user.pk})

    @precondition(lambda self: self.urls)
    @rule(
        link=any_of,
        member=members,
        plan=plans,
        status=st.sampled_from(["OK", "OK", "OK", "CONNECTING", "CREDENTIALS"]),
        told=st.booleans(),
    )
    def log_in(self, link: int, member: str, plan: list[str], status: str, told: bool) -> None:
        url, pk = self.urls[link % len(self.urls)]
        changes: dict[str, Any] = {"premium_features": plan, "status": status}
        if status == "CONNECTING":
            changes |= NO_PLAN
        # A used link, and on a reconnect link another member, are refused by Unipile itself.
        with suppress(LinkError):
            unipile_id = self.sandbox.log_in(url, name="Mara", member_id=member, **changes)
            self.genuine[unipile_id] = pk
            self.watcher.meet(unipile_id)
            if told:
                self.deliver(-1, None)

    @rule(
        owner=someone,
        row=st.none() | any_of,
        member=st.none() | members,
        plan=plans,
        status=st.sampled_from(["OK", "OK", "CONNECTING", "CREDENTIALS"]),
    )
    def connect_and_log_in(
        self, owner: int, row: int | None, member: str | None, plan: list[str], status: str
    ) -> None:
        """Let a member log in at once, who is that of one of the owner's rows unless named."""
        account = self._row(row or 0, self.owners[owner])
        own = account and self.watcher.member_of[account.unipile_account_id]
        member = member or own or MEMBERS[0]
        self.make_a_link(owner, row, None)
        if self.urls:
            self.log_in(-1, member, plan, status, told=True)

    # What Unipile sends.

    @precondition(lambda self: self.sandbox.deliveries)
    @rule(which=any_of, kill=kills)
    def deliver(self, which: int, kill: int | None) -> None:
        """Deliver any message that ever came about, however late, and however often."""
        notices = [each for each in self.sandbox.deliveries if each.kind == "notice"]
        deliveries = notices if which < 0 else self.sandbox.deliveries
        delivery = deliveries[which % len(deliveries)]
        if delivery.kind == "event":
            self._event(delivery.payload, delivery.account_id, kill)
        else:
            self._notice(delivery.payload, kill)

    def _notice(self, body: dict[str, Any], kill: int | None) -> None:
        link = ConnectLink.objects.get(pk=link_id(body["name"]))
        work = partial(self._post, body)
        status = self._step(work, kill=kill, owners={link.user_id}, logs_in=True)
        if status and self.genuine.get(body["account_id"]) == link.pk:
            self.claimed.add(body["account_id"])

    def _event(self, body: dict[str, Any], unipile_id: str, kill: int | None) -> None:
        owners = owners_of(unipile_id)
        self._step(lambda: self._post(body, SECRET), kill=kill, owners=owners, logs_in=True)

    @rule(account=any_of, word=st.sampled_from(WORDS), kill=kills)
    def send_an_event(self, account: int, word: str, kill: int | None) -> None:
        if unipile_id := self._account(account):
            self._tell(unipile_id, word, kill)

    def _tell(self, unipile_id: str, word: str, kill: int | None) -> None:
        about = {"account_id": unipile_id, "account_type": "LINKEDIN", "message": word}
        self._event({"AccountStatus": about}, unipile_id, kill)

    @precondition(lambda self: self.urls)
    @rule(link=any_of, account=any_of, odd=st.none() | st.sampled_from(ODD_IDS), kill=kills)
    def forge_a_notice(self, link: int, account: int, odd: str | None, kill: int | None) -> None:
        """Tell of a link what its owner could tell: he knows its name."""
        notices = [each.payload for each in self.sandbox.deliveries if each.kind == "notice"]
        unipile_id = self._account(account) if odd is None else odd
        if notices and unipile_id is not None:
            name = notices[link % len(notices)]["name"]
            body = {"status": "CREATION_SUCCESS", "account_id": unipile_id, "name": name}
            self._notice(body, kill)

    # What staff and cron do.

    @rule(kill=kills)
    def run_the_pass(self, kill: int | None) -> None:
        def work() -> None:
            rows = UnipileAccount.objects.all()
            with suppress(UnipileAuthenticationError):
                list(refresh_accounts(rows, door=Door.COMMAND, upkeep=True))

        self._step(work, kill=kill, logs_in=True)

    @rule()
    def run_the_pass_with_unipile_well(self) -> None:
        self.heal()
        self.watcher.meanwhile = None
        self.run_the_pass(None)
        # What the first one leaves behind, the next one deletes.
        self.run_the_pass(None)
        self._check_all_is_well()

    @rule(owner=someone, account=st.none() | any_of, member=members, plan=plans, kill=kills)
    def add_by_hand(
        self, owner: int, account: int | None, member: str, plan: list[str], kill: int | None
    ) -> None:
        user = self.owners[owner]
        unipile_id = None if account is None else self._account(account)
        if unipile_id is None:
            payload = linkedin_account(im={"id": member}, premium_features=plan, name="Mara")
            unipile_id = self.sandbox.add(payload)
            self.watcher.meet(unipile_id)
        if UnipileAccount.objects.filter(unipile_account_id=unipile_id).exists():
            return
        self.watcher.by_hand.add(unipile_id)

        def work() -> None:
            row = UnipileAccount(user=user, unipile_account_id=unipile_id)
            add_account(row, Origin(Door.ADMIN, self.staff))
            list(refresh_accounts(UnipileAccount.objects.filter(pk=row.pk), door=Door.ADMIN))

        self._step(work, kill=kill, owners={user.pk}, logs_in=True)

    @rule(row=any_of, owner=someone, kill=kills)
    def give_to_another_owner(self, row: int, owner: int, kill: int | None) -> None:
        account, user = self._row(row), self.owners[owner]
        if account:
            with suppress(IntegrityError):
                self._step(
                    lambda: move_account(account.pk, user.pk, Origin(Door.ADMIN, self.staff)),
                    kill=kill,
                    owners={user.pk, account.user_id},
                )

    @rule(row=any_of, kill=kills)
    def delete_a_row(self, row: int, kill: int | None) -> None:
        if account := self._row(row):
            is_strange = account.last_error == "not_linkedin"
            is_free = account.given_up_at or not account.answered_at or is_strange

            def work() -> None:
                with nullcontext() if is_free else pytest.raises(ProtectedError):
                    account.delete()

            self._step(work, kill=kill, owners={account.user_id}, logs_in=True)

    @rule(row=any_of, owner=someone, what=st.sampled_from(["disconnect", "move", "delete", "read"]))
    def do_something_meanwhile(self, row: int, owner: int, what: str) -> None:
        """Let somebody else do this while the next step waits for Unipile."""
        rows = UnipileAccount.objects.all()
        if account := self._row(row):
            pk, by_staff = account.pk, Origin(Door.ADMIN, self.staff)
            work: dict[str, Callable[[], object]] = {
                "disconnect": lambda: self._give_up(account),
                "move": lambda: move_account(pk, self.owners[owner].pk, by_staff),
                "delete": lambda: rows.get(pk=pk).delete(),
                "read": lambda: refresh_account(rows, pk, door=Door.ADMIN, user=self.staff),
            }

            def do() -> None:
                with suppress(*REFUSALS):
                    work[what]()

            self.watcher.meanwhile = do

    def _give_up(self, account: UnipileAccount) -> None:
        self.watcher.given_up |= self.watcher.held[account.pk]
        disconnect_account(UnipileAccount.objects.all(), account.pk, door=Door.ADMIN)

    @precondition(lambda self: self.urls)
    @rule(link=any_of)
    def let_a_link_run_out(self, link: int) -> None:
        _, pk = self.urls[link % len(self.urls)]
        ConnectLink.objects.filter(pk=pk).update(expires_at=Now() - timedelta(days=2))
        self._excuse()

    # What happens at Unipile and LinkedIn.

    @rule(kind=st.sampled_from(sorted(TROUBLES)), account=st.none() | any_of)
    def get_into_trouble(self, kind: str, account: int | None) -> None:
        fault, operation = TROUBLES[kind]
        unipile_id = None if account is None or kind == "no list" else self._account(account)
        if kind == "gone for a moment" and unipile_id is None:
            return
        self.sandbox.inject(fault, account_id=unipile_id, operation=operation)  # type: ignore[arg-type]
        self.watcher.troubles.append((operation, unipile_id))

    @rule()
    def heal(self) -> None:
        self.sandbox.clear_faults()
        self.watcher.troubles.clear()

    @rule(
        account=any_of,
        status=st.sampled_from(["OK", "CREDENTIALS", "CREDENTIALS", "CONNECTING"]),
        plan=plans,
        told=st.booleans(),
    )
    def change_the_login(self, account: int, status: str, plan: list[str], told: bool) -> None:
        if unipile_id := self._account(account):
            changes = NO_PLAN if status == "CONNECTING" else {"premium_features": plan}
            self.sandbox.update(unipile_id, status=status, **changes)
            if told:
                self._tell(unipile_id, status, None)

    @rule(account=any_of, member=members)
    def let_another_member_log_in_there(self, account: int, member: str) -> None:
        if unipile_id := self._account(account):
            payload = self.sandbox.get(unipile_id)
            rows = UnipileAccount.objects.filter(unipile_account_id=unipile_id, linkedin_id="")
            if payload["type"] == "LINKEDIN" and not rows.exists():
                payload["connection_params"]["im"]["id"] = member
                self.sandbox.add(payload)
                self.watcher.member_of[unipile_id] = member
                self.excused.add(unipile_id)

    @rule(account=any_of, plan=plans, is_told=st.booleans())
    def change_the_plan_at_linkedin(self, account: int, plan: list[str], is_told: bool) -> None:
        if unipile_id := self._account(account):
            seat = "sales_navigator" in plan if is_told else "DISCONNECTED"
            self.sandbox.set_plan(unipile_id, premium=bool(plan), sales_navigator=seat)

    @rule(account=any_of, back=st.booleans(), told=st.booleans())
    def vanish_at_unipile(self, account: int, back: bool, told: bool) -> None:
        if back and self.vanished:
            gone = list(self.vanished)
            self.sandbox.add(self.vanished.pop(gone[account % len(gone)]))
        elif unipile_id := self._account(account):
            self.vanished[unipile_id] = self.sandbox.get(unipile_id)
            self.sandbox.remove(unipile_id)
            if told:
                self._tell(unipile_id, "DELETED", None)

    @rule()
    def add_another_providers_account(self) -> None:
        unipile_id = self.sandbox.add(linkedin_account(name="Mara") | {"type": "WHATSAPP"})
        self.watcher.accounts.append(unipile_id)
        self.watcher.member_of[unipile_id] = ""

    # What is right in the end.

    def _check_all_is_well(self) -> None:
        """Every account at Unipile has its row, or there is a reason why it has none."""
        now = state()
        rows = [row for row in now.rows.values() if not row["given_up_at"]]
        for unipile_id in self.watcher.accounts:
            payload = self.watcher.payload(unipile_id)
            if payload is None or payload["type"] != "LINKEDIN":
                continue
            holder = now.holder(unipile_id)
            if holder:
                assert not holder["given_up_at"], "a given-up account was left at Unipile"
                check_row(holder, payload, self.watcher.member_of[unipile_id])
                continue
            links = [
                link for link in now.links.values() if link["unipile_account_id"] == unipile_id
            ]
            if any(link["used_at"] for link in links):
                member = self.watcher.member_of[unipile_id]
                own = [row["unipile_account_id"] for row in rows if row["linkedin_id"] == member]
                states = [self.watcher.payload(each) for each in own]
                assert not all(each and is_alive(each) for each in states), "left at Unipile"
            elif unipile_id in self.claimed - self.excused:
                link = now.links[self.genuine[unipile_id]]
                assert link["claimed_account_id"] == unipile_id, "a good login was refused"
                assert not is_alive(payload), "a good claim is open"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0)


@pytest.mark.django_db(transaction=True)
def test_no_login_is_lost_whatever_happens(
    owner: User, stranger: User, sandbox: Sandbox, settings: Settings
) -> None:
    settings.PUBLIC_URL = "http://localhost"
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    Logins.sandbox, Logins.owners = sandbox, [owner, stranger]
    Logins.staff = User.objects.create_user("staff", is_staff=True)

    run_state_machine_as_test(
        Logins, settings=hypothesis_settings(examples(100), stateful_step_count=25)
    )
