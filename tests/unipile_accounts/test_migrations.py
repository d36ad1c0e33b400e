from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from tests.helpers import outcomes
from unipile_accounts.migrations import _converting
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts
from unipile_sandbox import Sandbox, linkedin_account

Migrate = Callable[[str], None]
LAST = "0008_without_old_columns"
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
PREMIUM = {
    "is_premium": ("False", "True"),
    "weekly_connection_limit": ("80", "100"),
    "weekly_message_limit": ("100", "150"),
}
AS_PREMIUM = {
    "is_premium": [False, True],
    "weekly_connection_limit": [80, 100],
    "weekly_message_limit": [100, 150],
}


@pytest.fixture
def migrate(transactional_db: None) -> Iterator[Migrate]:
    """Bring the tables to a migration, and to the last one at the end."""

    def to(name: str) -> None:
        MigrationExecutor(connection).migrate([("unipile_accounts", name)])

    yield to
    to(LAST)


class Old:
    """What a server of the last version writes, by its own models."""

    def __init__(self, apps: StateApps, user: User) -> None:
        self.user = user
        self._accounts = apps.get_model("unipile_accounts", "UnipileAccount").objects
        self._entries = apps.get_model("unipile_accounts", "AccountChange").objects

    def account(self, **row: Any) -> Any:
        row = {"unipile_account_id": uuid4().hex[:22], "refreshed_at": MOMENT, **row}
        return self._accounts.create(user_id=self.user.pk, **row).pk

    def write(self, pk: Any, **columns: tuple[str, str]) -> None:
        for field, (old, new) in columns.items():
            self._entries.create(
                account_id=pk, changed_at=MOMENT, door="api", field=field, old=old, new=new
            )


@pytest.fixture
def old(migrate: Migrate) -> Old:
    """The tables already have their new columns, which such a server does not know."""
    migrate("0005_logins")
    loader = MigrationExecutor(connection).loader
    apps = loader.project_state(("unipile_accounts", "0004_webhook_contact")).apps
    return Old(apps, User.objects.create_user("owner"))


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_converting, "_ACCOUNTS", 2)
    monkeypatch.setattr(_converting, "_ENTRIES", 2)


def history() -> list[tuple[Any, dict[str, Any]]]:
    return list(AccountChange.objects.order_by("pk").values_list("account_id", "changes"))


@pytest.mark.usefixtures("small_steps")
def test_columns_of_one_write_become_one_entry(migrate: Migrate, old: Old) -> None:
    one, other, deleted = old.account(), old.account(), uuid4()
    # Servers that write at the same time alternate.
    for field, change in PREMIUM.items():
        old.write(one, **{field: change})
        old.write(other, **{field: change})
    old.write(deleted, name=("", "Mara"), unipile_account_id=("x1", "x2"), given_up_at=("", "t"))
    # Two rows that one page changed have become one.
    old.write(deleted, name=("", "Juno"))

    migrate(LAST)

    names = {"display_name": ["", "Mara"], "provider_account_id": ["x1", "x2"]}
    assert history() == [
        (one, AS_PREMIUM),
        (other, AS_PREMIUM),
        (deleted, {**names, "given_up_at": [None, "t"]}),
        (deleted, {"display_name": ["", "Juno"]}),
    ]
    entry = AccountChange.objects.filter(account_id=one).get()
    assert (entry.changed_at, entry.door, entry.user_id, entry.owner_id) == (
        *(MOMENT, "api"),
        *(None, None),
    )


@pytest.mark.usefixtures("small_steps")
def test_time_of_plan_stays_where_one_was_told(migrate: Migrate, old: Old) -> None:
    lost = {"status": "credentials_required"}
    told = [
        old.account(),
        old.account(**lost, is_premium=True),
        old.account(**lost, weekly_connection_limit=90),
        old.account(**lost, live_checked_at=MOMENT),
        once_premium := old.account(**lost),
    ]
    old.write(once_premium, is_premium=("True", "False"))
    unknown = [old.account(**lost), old.account(status="disconnected")]
    old.write(unknown[0], status=("connected", "credentials_required"))
    never_asked = old.account(refreshed_at=None)

    migrate(LAST)

    rows = dict(UnipileAccount.objects.values_list("pk", "refreshed_at"))
    assert rows == {
        **dict.fromkeys(told, MOMENT),
        **dict.fromkeys([*unknown, never_asked]),
    }
    assert set(UnipileAccount.objects.exclude(answered_at=MOMENT)) == {
        UnipileAccount(pk=never_asked)
    }


@pytest.mark.usefixtures("small_steps")
def test_conversion_goes_on_where_it_was_killed(
    migrate: Migrate, old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [old.account(status="disconnected", is_premium=True) for _ in range(5)]
    for pk in rows:
        old.write(pk, **PREMIUM)

    for step in ("_convert_accounts_after", "_convert_history_after"):
        with monkeypatch.context() as patch:
            patch.setattr(_converting, step, killed_at_second_call(getattr(_converting, step)))
            with pytest.raises(KeyboardInterrupt):
                migrate("0006_convert")
    migrate(LAST)

    assert history() == [(pk, AS_PREMIUM) for pk in rows]
    assert set(UnipileAccount.objects.values_list("answered_at", "refreshed_at", "version")) == {
        (MOMENT, MOMENT, 1)
    }


def killed_at_second_call(step: Callable[..., Any]) -> Callable[..., Any]:
    calls = 0

    def killed(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return step(*args)

    return killed


def test_what_old_servers_write_late_is_converted(migrate: Migrate, old: Old) -> None:
    once_premium = old.account()
    old.write(once_premium, **PREMIUM)
    migrate("0006_convert")
    later = MOMENT + timedelta(days=1)
    old._accounts.filter(pk=once_premium).update(status="disconnected", refreshed_at=later)
    lost = old.account(status="credentials_required", refreshed_at=later)
    old.write(lost, status=("connected", "credentials_required"))

    migrate(LAST)

    assert history() == [
        (once_premium, AS_PREMIUM),
        (lost, {"status": ["connected", "credentials_required"]}),
    ]
    rows = UnipileAccount.objects.values_list("pk", "answered_at", "refreshed_at")
    assert set(rows) == {(once_premium, later, later), (lost, later, None)}


def test_one_row_of_an_owner_keeps_the_member(migrate: Migrate, old: Old) -> None:
    given_up = old.account(linkedin_id="M1", created_at=MOMENT, given_up_at=MOMENT)
    newer = old.account(linkedin_id="M1", created_at=MOMENT + timedelta(days=2))
    oldest = old.account(linkedin_id="M1", created_at=MOMENT + timedelta(days=1))
    unknown = [old.account(), old.account()]
    old.user = User.objects.create_user("stranger")
    strangers = old.account(linkedin_id="M1")

    migrate("0006_convert")
    old._accounts.filter(pk=given_up).update(linkedin_id="M1")
    migrate(LAST)

    assert dict(UnipileAccount.objects.values_list("pk", "linkedin_id")) == {
        oldest: "M1",
        strangers: "M1",
        **dict.fromkeys([given_up, newer, *unknown], ""),
    }
    with pytest.raises(IntegrityError):
        UnipileAccount.objects.filter(pk=newer).update(linkedin_id="M1")


def test_first_pass_keeps_live_plan_of_before(migrate: Migrate, old: Old, sandbox: Sandbox) -> None:
    for features, premium_id in ([], None), (["premium"], None), ([], "AA"):
        copy = {"premiumFeatures": features, "premiumId": premium_id}
        payload = linkedin_account(premium_features=features, premium_id=premium_id)
        sandbox.add(payload)
        old.account(
            unipile_account_id=payload["id"],
            name=payload["name"],
            is_premium=True,
            has_sales_navigator=True,
            weekly_connection_limit=100,
            weekly_message_limit=150,
            live_checked_at=MOMENT,
            live_snapshot=json.dumps(copy, separators=(",", ":")),
        )

    migrate(LAST)
    results = list(refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND))

    assert outcomes(results) == {"refreshed": 3}
    plans = UnipileAccount.objects.values_list("has_sales_navigator", "live_checked_at")
    assert list(plans) == [(True, MOMENT)] * 3
    copies = [
        json.loads(row.live_snapshot) for row in UnipileAccount.objects.order_by("created_at")
    ]
    assert copies == [
        {"is_premium": is_premium, "has_sales_navigator": False}
        for is_premium in (False, True, True)
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite builds no half index")
def test_half_an_index_of_killed_migration_is_replaced(migrate: Migrate, old: Old) -> None:
    old.account()
    old.account()
    halves = {
        "0002_whole_life": "unipile_account_linkedin_id",
        "0006_convert": "unipile_account_one_row_a_member",
    }
    for before, name in halves.items():
        migrate(before)
        with connection.cursor() as cursor, pytest.raises(IntegrityError):
            # An index that fails is left behind as one that is killed.
            cursor.execute(
                f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON unipile_accounts (linkedin_id)"
            )

    migrate(LAST)

    with connection.cursor() as cursor:
        for name in halves.values():
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [name]
            )
            assert cursor.fetchone() == (True,)
