"""Everything at once, at random: at the end each row is as Unipile says, each change told once."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import ProtectedError
from django.db.models.functions import Now

from tests.helpers import make_account, stored
from tests.reliability.watching import TOLD
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Change, Door
from unipile_accounts.services import refresh_account, refresh_accounts
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Sandbox, UnknownAccountError

# More of them for docs/reliability.md: SEEDS=50.
SEEDS = range(int(os.environ.get("SEEDS", "3")))
ACCOUNTS, THREADS, STEPS = 12, 6, 25
KINDS: list[list[str]] = [[], ["premium"], ["sales_navigator"], ["premium", "sales_navigator"]]

Report = tuple[Any, Door, dict[str, Change]]


@pytest.fixture
def reports() -> Iterator[dict[UUID, list[Report]]]:
    """Collect what is reported of each row, with the moment that its answer was asked for."""
    collected: dict[UUID, list[Report]] = defaultdict(list)
    lock = threading.Lock()

    def receive(account: UnipileAccount, changes: dict[str, Change], door: Door, **_: Any) -> None:
        with lock:
            collected[account.pk].append((account.refreshed_at, door, changes))

    account_refreshed.connect(receive, weak=False)
    yield collected
    account_refreshed.disconnect(receive)


class Life:
    """What one thread does to the accounts, at random."""

    def __init__(
        self, seed: str, accounts: list[UnipileAccount], owners: list[User], sandbox: Sandbox
    ) -> None:
        self._chance = random.Random(seed)
        self._owners = owners
        self._accounts = accounts
        self._sandbox = sandbox

    def __call__(self) -> None:
        steps: list[Callable[[UnipileAccount], object]] = [
            *[self.change_plan] * 4,
            *[self.refresh] * 6,
            self.rename,
            self.log_out,
            self.remove_at_unipile,
            self.move_in_the_list,
            self.select_in_admin,
            self.break_off_in_admin,
            self.run_command,
            self.delete_row,
            self.change_owner,
            self.step_the_clock,
        ]
        try:
            for _ in range(STEPS):
                self._chance.choice(steps)(self._chance.choice(self._accounts))
        finally:
            connection.close()

    def change_plan(self, account: UnipileAccount) -> None:
        self._at_unipile(account, premium_features=self._chance.choice(KINDS))

    def rename(self, account: UnipileAccount) -> None:
        self._at_unipile(account, name=f"Name {self._chance.random()}")

    def log_out(self, account: UnipileAccount) -> None:
        self._at_unipile(account, status=self._chance.choice(["CREDENTIALS", "OK", "OK"]))

    def remove_at_unipile(self, account: UnipileAccount) -> None:
        if self._chance.random() < 0.2:
            with suppress(KeyError):
                self._sandbox.remove(account.unipile_account_id)

    def move_in_the_list(self, account: UnipileAccount) -> None:
        with suppress(KeyError, UnknownAccountError):
            payload = self._sandbox.get(account.unipile_account_id)
            self._sandbox.remove(account.unipile_account_id)
            self._sandbox.add(payload)

    def refresh(self, account: UnipileAccount) -> None:
        with suppress(UnipileError, UnipileAccount.DoesNotExist):
            refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    def select_in_admin(self, account: UnipileAccount) -> None:
        chosen = [each.pk for each in self._chance.sample(self._accounts, 6)]
        list(refresh_accounts(UnipileAccount.objects.filter(pk__in=chosen), door=Door.ADMIN))

    def break_off_in_admin(self, account: UnipileAccount) -> None:
        results = refresh_accounts(UnipileAccount.objects.all(), door=Door.ADMIN)
        list(islice(results, self._chance.randrange(ACCOUNTS)))

    def change_owner(self, account: UnipileAccount) -> None:
        owner = self._chance.choice(self._owners)
        UnipileAccount.objects.filter(pk=account.pk).update(user=owner)

    def step_the_clock(self, account: UnipileAccount) -> None:
        """Leave what a clock that was ahead would have left."""
        ahead = Now() + timedelta(hours=1)
        UnipileAccount.objects.filter(pk=account.pk).update(answered_at=ahead)

    def run_command(self, account: UnipileAccount) -> None:
        with suppress(CommandError):
            call_command("refresh_unipile_accounts", quiet=True)

    def delete_row(self, account: UnipileAccount) -> None:
        if self._chance.random() < 0.2:
            with suppress(ProtectedError):
                UnipileAccount.objects.filter(pk=account.pk).delete()

    def _at_unipile(self, account: UnipileAccount, **changes: Any) -> None:
        with suppress(KeyError):
            self._sandbox.update(account.unipile_account_id, **changes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_rows_end_as_unipile_says_and_every_change_is_reported_once(
    owner: User,
    stranger: User,
    sandbox: Sandbox,
    reports: dict[UUID, list[Report]],
    seed: int,
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(ACCOUNTS)]
    first = {account.pk: stored(account) for account in accounts}
    lives = [
        Life(f"{seed} {number}", accounts, [owner, stranger], sandbox) for number in range(THREADS)
    ]

    with ThreadPoolExecutor(THREADS) as pool:
        for life in [pool.submit(life) for life in lives]:
            life.result()
    last = Life("", accounts, [owner], sandbox)
    for account in accounts:
        last.refresh(account)

    left: dict[UUID, dict[str, Any]] = {
        row["id"]: dict(row) for row in UnipileAccount.objects.values()
    }
    for account in accounts:
        if account.pk in left:
            assert_as_unipile_says(left[account.pk], sandbox)
            assert_told_once(first[account.pk], reports[account.pk], left[account.pk])
    # It was not quiet: every door was used, and there was something to tell.
    told = [report for each in reports.values() for report in each]
    assert {door for _, door, _ in told} == {Door.API, Door.ADMIN, Door.COMMAND}
    assert sum(bool(changes) for _, _, changes in told) > ACCOUNTS


def assert_as_unipile_says(row: dict[str, Any], sandbox: Sandbox) -> None:
    try:
        payload = sandbox.get(row["unipile_account_id"])
    except KeyError:
        assert row["status"] == "disconnected"
        return
    if row["status"] == "connected":
        features = payload["connection_params"]["im"]["premiumFeatures"]
        assert row["is_premium"] is bool(features)
        assert row["has_sales_navigator"] is ("sales_navigator" in features)
        assert row["name"] == payload["name"]
    else:
        assert row["status"] == "credentials_required"
        assert payload["sources"][0]["status"] == "CREDENTIALS"
    limits = (row["weekly_connection_limit"], row["weekly_message_limit"])
    assert limits == ((100, 150) if row["is_premium"] else (80, 100))


def assert_told_once(first: dict[str, Any], reports: list[Report], left: dict[str, Any]) -> None:
    """The history leads from the first row to the last, and the signals told the same."""
    values = {name: first[column] for name, column in TOLD.items()}
    written: Counter[Any] = Counter()
    for entry in AccountChange.objects.filter(account=left["id"]).order_by("id"):
        for name, (old, new) in entry.changes.items():
            assert old == values[name] != new
            values[name] = new
            written[entry.door, TOLD[name], old, new] += 1
    assert values == {name: left[column] for name, column in TOLD.items()}
    assert written == Counter(
        (door.value, name, change.old, change.new)
        for _, door, changes in reports
        for name, change in changes.items()
    )
