"""What must hold after each step of the life of accounts: a second, simpler model of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from rest_framework.test import APIClient

from unipile_accounts.limits import FREE
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_sandbox import Fault, Payload, Request, Sandbox

Row = dict[str, Any]
TOLD = {
    **{name: name for name in ("status", "profile_url", "is_premium", "has_sales_navigator")},
    **{name: name for name in ("weekly_connection_limit", "weekly_message_limit")},
    "display_name": "name",
    "provider_account_id": "unipile_account_id",
}
BLANK = {"display_name": "", "profile_url": "", **FREE.columns}
PLAN = ("is_premium", "has_sales_navigator")
PLANS: list[list[str]] = [[], ["premium"], ["premium", "sales_navigator"]]
SECRET = "a-secret-for-tests-only"
LIMITS = ("weekly_connection_limit", "weekly_message_limit")

TROUBLES: dict[str, tuple[Fault, str | None]] = {
    "down": (Fault(status=503), None),
    "a page": (Fault(status=200, body=b"<html>Bad gateway</html>"), None),
    "404 of a proxy": (Fault(status=404, body=b"<html>Not found</html>"), None),
    "gone for a moment": (Fault(status=404), "account"),
    "another session": (Fault(status=401, error_type="errors/multiple_sessions"), "account"),
    "no delete": (Fault(status=500), "delete"),
    "no list": (Fault(status=500), "list"),
}


class Killed(BaseException):
    """The process ends here. Nothing catches it, and only what was committed is left."""


@contextmanager
def killed_at(statement: int | None) -> Iterator[None]:
    """End the process in place of the statement of this number."""
    left = statement or 0

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return execute(*args)

    with connection.execute_wrapper(count):
        try:
            yield
        except Killed:
            connection.close()


class State(NamedTuple):
    rows: dict[UUID, Row]
    links: dict[UUID, Row]
    entries: int

    def holder(self, unipile_account_id: str) -> Row | None:
        same = (r for r in self.rows.values() if r["unipile_account_id"] == unipile_account_id)
        return next(same, None)


def state() -> State:
    last = AccountChange.objects.order_by("id").values_list("id", flat=True).last()
    return State(
        {row["id"]: dict(row) for row in UnipileAccount.objects.order_by("pk").values()},
        {link["id"]: dict(link) for link in ConnectLink.objects.order_by("pk").values()},
        last or 0,
    )


class Watcher:
    """Remembers what Unipile said, and compares each step with it."""

    def __init__(self, sandbox: Sandbox, clients: dict[int, APIClient]) -> None:
        self.sandbox = sandbox
        self.clients = clients
        # The operation and the account, each or any, of which nothing is read at the moment.
        self.troubles: list[tuple[str | None, str | None]] = []
        # All accounts that ever were at Unipile, and those that staff have added by hand.
        self.accounts: list[str] = []
        self.by_hand: set[str] = set()
        self.told: dict[str, dict[str, set[bool]]] = defaultdict(lambda: defaultdict(set))
        self.member_of: dict[str, str] = {}
        self.held: dict[UUID, set[str]] = defaultdict(set)
        self.given_up: set[str] = set()
        # What somebody else does while Unipile is asked the next time.
        self.meanwhile: Callable[[], object] | None = None
        self._errors: list[Exception] = []
        self._alive: set[str] = set()
        self._deletes: list[tuple[str, frozenset[str]]] = []
        sandbox.on_answer = self._saw

    def _saw(self, request: Request) -> None:
        if request.method == "GET" and self.meanwhile:
            work, self.meanwhile = self.meanwhile, None
            try:
                work()
            except Exception as exc:  # noqa: BLE001
                self._errors.append(exc)
            finally:
                connection.close()
        path, _, query = request.path.partition("?")
        place, _, item = path.removeprefix("/api/v1/").partition("/")
        if request.method == "DELETE" and place == "accounts":
            self._deletes.append((item, frozenset(self._alive)))
        elif request.method == "GET" and place == "accounts":
            if not self._is_spoilt("account" if item else "list", item or None):
                for each in [item] if item else self.accounts:
                    self._saw_account(each)
        elif place == "users" and not self._is_spoilt("profile", query.partition("=")[2]):
            self._saw_profile(query.partition("=")[2])

    def _is_spoilt(self, operation: str, account: str | None) -> bool:
        return any(
            which in (None, operation) and whose in (None, account)
            for which, whose in self.troubles
        )

    def meet(self, unipile_account_id: str) -> None:
        """Remember an account that has come to Unipile, and its member."""
        self.accounts.append(unipile_account_id)
        self.member_of[unipile_account_id] = self.sandbox.member_id(unipile_account_id)

    def payload(self, unipile_account_id: str) -> Payload | None:
        try:
            return self.sandbox.get(unipile_account_id)
        except KeyError:
            return None

    def _saw_account(self, unipile_account_id: str) -> None:
        payload = self.payload(unipile_account_id)
        if not payload or payload["type"] != "LINKEDIN":
            return
        member = self.member_of[unipile_account_id] = self.sandbox.member_id(unipile_account_id)
        if is_alive(payload):
            self._alive.add(unipile_account_id)
        im = payload["connection_params"]["im"]
        if "premiumFeatures" in im and not is_lost(payload):
            self.learn(
                member, bool(im["premiumFeatures"]), "sales_navigator" in im["premiumFeatures"]
            )

    def _saw_profile(self, unipile_account_id: str) -> None:
        if self.payload(unipile_account_id):
            profile = self.sandbox.profile(unipile_account_id)
            seat = bool(profile["sales_navigator"])
            self.learn(profile["provider_id"], profile["premium"] or seat, seat)

    def learn(self, member: str, *flags: bool) -> None:
        for name, flag in zip(PLAN, flags, strict=True):
            self.told[member][name].add(flag)

    @contextmanager
    def step(self, *, kill: int | None, owners: set[int] | None, logs_in: bool) -> Iterator[None]:
        """Watch a step that may concern rows of these owners, and bring back what was given up."""
        before = state()
        self._alive, self._deletes = set(), []
        with killed_at(kill):
            yield
        assert self._errors == []
        after = state()
        new = AccountChange.objects.filter(id__gt=before.entries).order_by("id")
        entries = list(new.values_list("account_id", "changes"))
        self._follow(before, after, entries)
        for row in after.rows.values():
            if row["given_up_at"]:
                self.given_up |= self.held[row["id"]]
        self.given_up -= {
            r["unipile_account_id"] for r in after.rows.values() if not r["given_up_at"]
        }
        self._check_deletes(after)
        check_owners(before, after, owners)
        check_members(before, after)
        check_given_up(before, after, logs_in=logs_in)
        check_history(before.rows, entries, after.rows)
        self._check_taken(before, after)
        self._check_plans(after)

    def _follow(self, before: State, after: State, entries: list[tuple[UUID, Row]]) -> None:
        """Follow which accounts each row has had, and which logins came too late."""
        for each in (before, after):
            for row in each.rows.values():
                self.held[row["id"]].add(row["unipile_account_id"])
        for row_id, changes in entries:
            self.held[row_id] |= {*filter(None, changes.get("provider_account_id", []))}
            if into := changes.get("merged_into"):
                self.held[UUID(into[1])] |= self.held[row_id]
        for pk, link in after.links.items():
            was_used = pk in before.links and before.links[pk]["used_at"]
            if not link["used_at"] or was_used:
                continue
            unipile_id = link["unipile_account_id"]
            if not any(unipile_id in ids for ids in self.held.values()):
                late = [r for r in after.rows.values() if r["user_id"] == link["user_id"]]
                assert any(r["given_up_at"] for r in late), "a good login was thrown away"
                self.given_up.add(unipile_id)

    def _check_deletes(self, after: State) -> None:
        claimed = {link["claimed_account_id"] for link in after.links.values()}
        for unipile_id, alive in self._deletes:
            holder = after.holder(unipile_id)
            assert holder is None or holder["given_up_at"], "a row's account was deleted"
            if unipile_id in self.given_up:
                continue
            assert unipile_id not in claimed, "a claimed account was deleted"
            successors = [ids - {unipile_id} for ids in self.held.values() if unipile_id in ids]
            assert any(ids & alive for ids in successors), "a login was deleted for none alive"

    def _check_taken(self, before: State, after: State) -> None:
        """An account comes to a row by a link of its owner's, or from another row of his."""
        for pk, row in after.rows.items():
            unipile_id, owner = row["unipile_account_id"], row["user_id"]
            had = before.rows.get(pk, {"unipile_account_id": ""})["unipile_account_id"]
            if had != unipile_id and row["linkedin_id"]:
                assert row["linkedin_id"] == self.member_of[unipile_id], "another member's login"
            holder = before.holder(unipile_id)
            if had == unipile_id or (holder and holder["user_id"] == owner):
                continue
            if unipile_id in self.by_hand:
                continue
            links = [
                link
                for link in after.links.values()
                if link["used_at"] and link["unipile_account_id"] == unipile_id
            ]
            assert any(link["user_id"] == owner for link in links), "a row took what nobody claimed"
            payload = self.payload(unipile_id)
            if payload:
                assert payload["type"] == "LINKEDIN"
                made = datetime.fromisoformat(payload["created_at"])
                first = min(link["created_at"] for link in links)
                assert made > first - timedelta(minutes=10), "a row took what was there before"

    def _check_plans(self, after: State) -> None:
        """The list shows only what Unipile or LinkedIn has said of that member."""
        for client in self.clients.values():
            listed = client.get("/api/unipile/accounts?status=all").json()["accounts"]
            for shown in listed:
                row = after.rows[UUID(shown["id"])]
                plan = tuple(shown[name] for name in PLAN)
                limits = tuple(shown[name] for name in LIMITS)
                assert limits == ((100, 150) if any(plan) else (80, 100))
                if row["refreshed_at"] is None:
                    assert plan == (False, False), "an unknown plan is shown"
                    continue
                member = row["linkedin_id"] or self.member_of[row["unipile_account_id"]]
                for name in PLAN:
                    assert shown[name] in self.told[member][name], "a plan that nobody read"


def is_alive(payload: Payload) -> bool:
    return {source["status"] for source in payload["sources"]} == {"OK"}


def is_lost(payload: Payload) -> bool:
    return any(source["status"] == "CREDENTIALS" for source in payload["sources"])


def check_owners(before: State, after: State, owners: set[int] | None) -> None:
    """No row of anybody else has changed, come or gone."""
    if owners is None:
        return

    def others(each: State) -> dict[UUID, Row]:
        return {pk: row for pk, row in each.rows.items() if row["user_id"] not in owners}

    assert others(before) == others(after), "a row of another owner changed"


def check_members(before: State, after: State) -> None:
    """A row keeps its member, and no other row of its owner's has it."""
    for pk, row in before.rows.items():
        if row["linkedin_id"] and pk in after.rows:
            assert after.rows[pk]["linkedin_id"] == row["linkedin_id"], "a row's member changed"
    logins = [(r["user_id"], r["linkedin_id"]) for r in after.rows.values() if r["linkedin_id"]]
    assert len(logins) == len(set(logins)), "two rows of one login"


def check_given_up(before: State, after: State, *, logs_in: bool) -> None:
    """A given-up row changes only by a login that was claimed later."""
    for pk, row in before.rows.items():
        if row["given_up_at"] is None:
            continue
        now = after.rows.get(pk)
        if now is None:
            assert logs_in, "a given-up row was deleted"
        elif now["given_up_at"]:
            same = {**row, **{name: now[name] for name in ("user_id", "version", "updated_at")}}
            assert now == same, "a given-up row changed"
        else:
            assert logs_in, "a given-up row came back without a login"
            if before.holder(now["unipile_account_id"]) in (None, row):
                links = [
                    link
                    for link in before.links.values()
                    if link["claimed_account_id"] == now["unipile_account_id"]
                ]
                late = [link["claimed_at"] > row["given_up_at"] for link in links]
                assert not late or any(late), "a login from before brought a given-up row back"


def check_history(
    before: dict[UUID, Row], entries: Iterable[tuple[UUID, Row]], after: dict[UUID, Row]
) -> None:
    """The entries lead from each row as it was to each row as it is."""
    rows = {pk: {name: row[TOLD[name]] for name in TOLD} for pk, row in before.items()}
    for pk, changes in entries:
        is_new = pk not in rows
        row = rows.setdefault(pk, dict.fromkeys(TOLD))
        for name, (old, new) in changes.items():
            assert old != new, "the history tells of no change"
            if name != "merged_into":
                assert old == row[name], f"the history of {name} has a gap"
                row[name] = new
        if is_new:
            # A new row's history is silent on what nobody knows yet.
            row.update({name: BLANK[name] for name in BLANK if row[name] is None})
    for pk, row in rows.items():
        if pk in after:
            now = {name: after[pk][column] for name, column in TOLD.items()}
            assert now == row, "the history does not tell a change"
        else:
            assert row["status"] is None, "the history of a row has no end"


def check_row(row: Row, payload: Payload, member: str) -> None:
    """The row says what Unipile said of its account a moment ago."""
    if row["linkedin_id"] not in ("", member):
        # While it is still connecting, nothing is known of it.
        if "premiumFeatures" in payload["connection_params"]["im"]:
            assert row["status"] == "credentials_required", "another member is there"
    elif is_alive(payload):
        assert row["status"] == "connected"
        assert row["linkedin_id"], "a login that was read has no member"
        assert row["refreshed_at"]
    elif is_lost(payload):
        assert row["status"] == "credentials_required"


def well_answered(response: Any) -> Any:
    """Return an answer that is one, and raise what went wrong inside otherwise."""
    if exc_info := getattr(response, "exc_info", None):
        raise exc_info[1]
    assert response.status_code != 500
    return response


def owners_of(unipile_account_id: str) -> set[int]:
    """Return whose rows an event about this account may concern."""
    rows = UnipileAccount.objects.filter(unipile_account_id=unipile_account_id)
    claims = ConnectLink.objects.filter(claimed_account_id=unipile_account_id)
    return {*rows.values_list("user_id", flat=True), *claims.values_list("user_id", flat=True)}


def empty_tables() -> None:
    for model in (AccountChange, ConnectLink, UnipileAccount):
        model._base_manager.all()._raw_delete("default")
