from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone, translation
from django.utils.html import strip_tags
from pytest_django import Settings

from tests.conftest import Statements, make_account, stored
from unipile_accounts.admin import refreshing
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services import asking
from unipile_sandbox import Fault, Sandbox, linkedin_account

LIST = "/admin/unipile_accounts/unipileaccount/"
ADD = f"{LIST}add/"
ACTION = "refresh_from_unipile"

_BLOCK = re.compile("</?d[ltd]>")


def page_of(account: UnipileAccount) -> str:
    return f"{LIST}{account.pk}/change/"


def button_of(account: UnipileAccount) -> str:
    return f"{LIST}{account.pk}/refresh/"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff-{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return logged_in(user)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    """A superuser's browser."""
    return logged_in(User.objects.create_superuser("admin"))


@pytest.fixture
def support(db: None) -> Client:
    """The browser of support staff, who may look and refresh and nothing else."""
    return staff("view_unipileaccount", "refresh_unipileaccount")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between two tries."""
    monkeypatch.setattr(asking, "SHORTEST_WAIT", 0.0)


def refresh(client: Client, *accounts: UnipileAccount, query: str = "", **data: Any) -> Any:
    pks = [str(account.pk) for account in accounts]
    data = {"action": ACTION, "_selected_action": pks, "index": "0", **data}
    return client.post(f"{LIST}{query}", data, follow=True)


def press(client: Client, account: UnipileAccount) -> Any:
    return client.post(button_of(account), follow=True)


def add(client: Client, user: User, unipile_account_id: str) -> Any:
    data = {"user": user.pk, "unipile_account_id": unipile_account_id}
    return client.post(ADD, data, follow=True)


def reports(response: Any) -> list[tuple[str, str]]:
    """Return level and text of each message, as it is read."""
    assert response.status_code == 200
    return [
        (message.level_tag, " ".join(unescape(strip_tags(_BLOCK.sub(" ", str(message)))).split()))
        for message in response.context["messages"]
    ]


def report(response: Any) -> tuple[str, str]:
    (only,) = reports(response)
    return only


def rows(response: Any) -> list[UnipileAccount]:
    return list(response.context["cl"].result_list)


def found(client: Client, **query: str) -> set[UnipileAccount]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return set(rows(response))


def text(response: Any) -> str:
    return re.sub(r"[ \n]+", " ", response.content.decode())


# --- The list -------------------------------------------------------------------------------------


def test_list_shows_what_state_an_account_is_in(admin: Client, owner: User) -> None:
    account = make_account(
        owner,
        name="Mara Feldkamp",
        status="credentials_required",
        is_premium=True,
        weekly_connection_limit=100,
        weekly_message_limit=150,
        refreshed_at=timezone.now() - timedelta(hours=3, minutes=10),
    )

    page = text(admin.get(LIST))

    assert f'<a href="{page_of(account)}"><bdi>Mara Feldkamp</bdi></a>' in page
    assert "<bdi>owner</bdi>" in page
    assert account.unipile_account_id in page
    assert re.search(r'<img src="[^"]*icon-alert\.svg" alt=""> credentials required', page)
    assert "100 connections<br>150 messages" in page
    assert "3\xa0hours ago</time>" in page


@pytest.mark.parametrize(
    ("zone", "exact"),
    [("UTC", "2026-03-01 23:30:05 UTC"), ("Asia/Tokyo", "2026-03-02 08:30:05 JST")],
)
def test_list_tells_the_exact_time_on_hover_in_the_active_time_zone(
    admin: Client, owner: User, settings: Settings, zone: str, exact: str
) -> None:
    settings.TIME_ZONE = zone
    account = make_account(owner, refreshed_at=datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC))

    assert f'title="{exact}"' in text(admin.get(LIST))
    assert exact in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "never"), (-30, "just now"), (5, "just now"), (125, "minutes ago")],
)
def test_list_tells_how_long_ago_an_account_was_refreshed(
    admin: Client, owner: User, seconds: float | None, shown: str
) -> None:
    then = None if seconds is None else timezone.now() - timedelta(seconds=seconds)
    make_account(owner, refreshed_at=then)

    assert shown in text(admin.get(LIST))


def test_account_without_a_name_can_be_opened(admin: Client, owner: User) -> None:
    account = make_account(owner)

    assert f'<a href="{page_of(account)}">(no name yet)</a>' in text(admin.get(LIST))


@pytest.mark.parametrize("status", UnipileAccount.Status.values)
def test_list_says_the_status_in_words(admin: Client, owner: User, status: str) -> None:
    make_account(owner, status=status)

    label = UnipileAccount.Status(status).label
    assert re.search(rf'alt=""> {label}</td>', text(admin.get(LIST)))


def test_list_shows_the_latest_customers_first(admin: Client, owner: User, stranger: User) -> None:
    make_account(owner)
    make_account(stranger)
    make_account(owner)

    listed = [account.user for account in rows(admin.get(LIST))]

    assert listed == [stranger, owner, owner]


def test_list_takes_the_same_queries_for_one_account_and_for_a_page_of_them(
    owner: User, support: Client, statements: Statements
) -> None:
    make_account(owner)
    with statements() as for_one:
        support.get(LIST)
    for number in range(120):
        user = User.objects.create(username=f"customer-{number}")
        make_account(user, refreshed_at=timezone.now())
    with statements() as for_many:
        assert len(rows(support.get(LIST))) == 100

    # Session, user, permissions of user and groups; how many accounts, and the accounts.
    assert len(for_one) == len(for_many) == 6


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status__exact": "disconnected"}, {"gone"}),
        ({"is_premium__exact": "1"}, {"premium", "navigator"}),
        ({"has_sales_navigator__exact": "1"}, {"navigator"}),
        ({"refreshed": "never"}, {"never", "gone"}),
        ({"refreshed": "day"}, {"never", "gone", "navigator", "old"}),
        ({"refreshed": "week"}, {"never", "gone", "old"}),
        ({"refreshed": "nonsense"}, {"never", "gone", "premium", "navigator", "old"}),
        ({"refreshed": "day", "is_premium__exact": "1"}, {"navigator"}),
    ],
)
def test_list_can_be_filtered(
    admin: Client, owner: User, query: dict[str, str], names: set[str]
) -> None:
    now = timezone.now()
    make_account(owner, name="never")
    make_account(owner, name="gone", status="disconnected")
    make_account(owner, name="premium", is_premium=True, refreshed_at=now - timedelta(hours=23))
    make_account(
        owner,
        name="navigator",
        is_premium=True,
        has_sales_navigator=True,
        refreshed_at=now - timedelta(days=6),
    )
    make_account(owner, name="old", refreshed_at=now - timedelta(days=8))

    assert {account.name for account in found(admin, **query)} == names
    counted = admin.get(LIST, {**query, "_facets": "True"})
    assert counted.status_code == 200
    assert "Never (2)" in text(counted) or "refreshed" not in query or len(query) > 1


# --- Search ---------------------------------------------------------------------------------------


@pytest.fixture
def searched(owner: User) -> UnipileAccount:
    """An account to be found, and another one."""
    make_account(owner, id=UUID("ffffffff-0000-4000-8000-000000000000"))
    lena = User.objects.create_user("lena", "lena@customer.example")
    return UnipileAccount.objects.create(
        id=UUID("3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34"),
        user=lena,
        unipile_account_id="k3Vd9QmTRxS1aLw0ZbYc7A",
        name="Mara 50% Feld_kamp",
    )


@pytest.mark.parametrize(
    "words",
    [
        "feld_",
        "mara 50%",
        "MARA",
        "lena",
        "LENA@customer",
        "k3Vd9QmTRxS1aLw0ZbYc7A",
        "3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34",
        "3F2A9C107B4E4D589A610C5E8D7B2F34",
        " 3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34 ",
        "3f2a9c10",
        "3f2a",
        "3f2a9c10-7b4e-4",
        "3f2a9c107b4e4",
    ],
)
def test_search_finds_an_account(admin: Client, searched: UnipileAccount, words: str) -> None:
    assert found(admin, q=words) == {searched}


@pytest.mark.parametrize(
    "words",
    [
        "%%%",
        "50_",
        "3f2",
        "7b4e-4d58",
        "3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f345",
        "00000000-0000-0000-0000-000000000000",
        "----",
        "\\",
        "'; DROP TABLE unipile_accounts; --",
        "\U0001f600",
        "x" * 10_000,
        "a " * 5_000,
        '" ' * 5_000,
    ],
)
def test_search_finds_nothing_and_does_not_fail(
    admin: Client, searched: UnipileAccount, words: str
) -> None:
    assert found(admin, q=words) == set()


@pytest.mark.parametrize(
    "words",
    [
        "\0",
        "mara\0",
        "3f2a\0",
        '"',
        "''",
        "\ud800".encode("utf-8", "replace").decode(),
        "%",
        "a b " * 63,
    ],
)
def test_search_takes_any_text(admin: Client, searched: UnipileAccount, words: str) -> None:
    assert admin.get(LIST, {"q": words}).status_code == 200


def test_search_keeps_to_the_filter(admin: Client, searched: UnipileAccount) -> None:
    query = {"status__exact": "disconnected"}

    assert found(admin, q=str(searched.pk), **query) == set()
    assert found(admin, q="mara", **query) == set()


# --- Refreshing selected accounts -----------------------------------------------------------------


def test_action_refreshes_what_is_selected(support: Client, owner: User, sandbox: Sandbox) -> None:
    upgraded = make_account(
        owner, sandbox, payload=linkedin_account(name="Mara Feldkamp", premium_features=["premium"])
    )
    other = make_account(owner, sandbox)

    level, words = report(refresh(support, upgraded))

    upgraded.refresh_from_db()
    assert upgraded.is_premium
    assert upgraded.weekly_connection_limit == 100
    assert stored(other)["refreshed_at"] is None
    assert level == "success"
    assert words.startswith("The account was refreshed, and it has changed. Changed Mara Feldkamp:")
    assert "premium: no → yes" in words
    assert "weekly connection limit: 80 → 100" in words
    assert "weekly message limit: 100 → 150" in words
    assert "status" not in words


def test_action_refreshes_everything_a_filter_matches(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    matching = [make_account(owner, sandbox) for _ in range(120)]
    other = make_account(owner, sandbox, is_premium=True)

    response = refresh(support, matching[0], query="?is_premium__exact=0", select_across="1")

    level, words = report(response)
    assert level == "success"
    assert words.startswith("120 accounts: 120 refreshed (120 changed), 0 skipped, 0 failed.")
    assert UnipileAccount.objects.filter(refreshed_at=None).get() == other
    assert response.request["QUERY_STRING"] == "is_premium__exact=0"


@pytest.mark.parametrize("words", ["feed", "owner", "feed owner"])
def test_action_refreshes_everything_a_search_finds(
    support: Client, owner: User, sandbox: Sandbox, words: str
) -> None:
    account = make_account(owner, sandbox, name="feed", id=UUID(int=0xFEED << 112))
    make_account(User.objects.create_user("lena"), sandbox)

    refresh(support, account, query=f"?q={words}", select_across="1")

    assert UnipileAccount.objects.exclude(refreshed_at=None).get() == account


def test_report_counts_and_names_every_outcome(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    make = [
        linkedin_account(name="Ada Changed", premium_features=["premium"]),
        linkedin_account(name="Ben Logged-Out", statuses=["CREDENTIALS"]),
        linkedin_account(name="Cem Connecting", omit=["premiumId", "premiumFeatures"]),
    ]
    accounts = [
        make_account(owner, sandbox, payload=payload, name=payload["name"]) for payload in make
    ]
    unchanged = make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="Dov", public_identifier="dov"),
        name="Dov",
        profile_url="https://www.linkedin.com/in/dov",
    )
    skipped = make_account(owner, sandbox, name="Eva Gone", status="disconnected")

    level, words = report(refresh(support, *accounts, unchanged, skipped))

    assert level == "error"
    assert words.startswith("5 accounts: 2 refreshed (1 changed), 1 skipped, 2 failed.")
    assert "Changed Ada Changed: profile URL:" in words
    assert (
        "Ben Logged-Out (status: connected → credentials required):"
        " Reconnect the account to LinkedIn, then refresh it again." in words
    )
    assert "Cem Connecting: The account is still connecting" in words
    assert "Skipped Eva Gone: The account is disconnected" in words
    assert "Dov" not in words


def test_report_warns_when_accounts_were_skipped(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox), make_account(owner, status="disconnected")]

    level, words = report(refresh(support, *accounts))

    assert level == "warning"
    assert words.startswith("2 accounts: 1 refreshed (1 changed), 1 skipped, 0 failed.")


def test_report_names_the_first_ten_of_each_kind(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    upgraded = [
        make_account(owner, sandbox, payload=linkedin_account(name=f"Upgraded {number}"))
        for number in range(12)
    ]
    logged_out = [
        make_account(
            owner, sandbox, payload=linkedin_account(statuses=["CREDENTIALS"]), name=f"Out {number}"
        )
        for number in range(13)
    ]
    gone = [
        make_account(owner, name=f"Gone {number}", status="disconnected") for number in range(11)
    ]

    _, words = report(refresh(support, *upgraded, *logged_out, *gone))

    assert len(re.findall(r"Upgraded \d+:", words)) == 10
    assert len(re.findall(r"Out \d+ ", words)) == 10
    assert len(re.findall(r"Gone \d+", words)) == 10
    assert re.findall(r"and (\d+) more", words) == ["2", "3", "1"]
    assert words.count("Reconnect the account to LinkedIn, then refresh it again.") == 1


def test_report_escapes_names_and_links_to_the_accounts(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(name="<b>Mara</b> \u202e&")
    account = make_account(owner, sandbox, payload=payload)

    page = text(refresh(support, account))

    assert "<b>Mara" not in page
    link = f'<a href="{page_of(account)}"><bdi>&lt;b&gt;Mara&lt;/b&gt; \u202e&amp;</bdi></a>'
    assert page.count(link) == 2


def test_long_report_arrives_whole(support: Client, owner: User, sandbox: Sandbox) -> None:
    names = [f"{number}-" + "ü" * 250 for number in range(10)]
    accounts = [make_account(owner, sandbox, payload=linkedin_account(name=name)) for name in names]

    _, words = report(refresh(support, *accounts))

    assert all(f"name: none → {name}" in words for name in names)


def test_selection_that_is_gone_is_not_called_a_success(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    UnipileAccount.objects.all().delete()

    make_account(owner, sandbox)
    assert report(refresh(support, account)) == ("warning", "No account was refreshed.")


def test_selection_that_holds_no_id_is_no_error_page(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    make_account(owner, sandbox)

    response = refresh(support, _selected_action=["nonsense"])

    assert response.status_code == 200
    assert sandbox.requests == []


def test_a_thousand_accounts_are_refreshed_in_one_request(
    support: Client, owner: User, sandbox: Sandbox, statements: Statements
) -> None:
    payloads = [
        linkedin_account(name=f"Account {n}", premium_features=["premium"] if n < 50 else [])
        for n in range(1000)
    ]
    sandbox.load(payloads)
    sandbox.latency = 0.02
    UnipileAccount.objects.bulk_create(
        UnipileAccount(
            user=owner,
            unipile_account_id=payload["id"],
            name=payload["name"],
            profile_url="https://www.linkedin.com/in/robin-sample-example",
        )
        for payload in payloads
    )
    ContentType.objects.get_for_model(UnipileAccount)  # Django remembers it
    data = {"action": ACTION, "_selected_action": ["x"], "index": "0", "select_across": "1"}

    began = time.monotonic()
    with statements() as executed:
        response = support.post(LIST, data)
    seconds = time.monotonic() - began

    assert report(support.get(response["Location"]))[1].startswith(
        "1000 accounts: 1000 refreshed (50 changed), 0 skipped, 0 failed."
    )
    assert len(sandbox.requests) == 4
    # For a page of 250: the time, its rows, what is written for all of them. Once: what changed.
    assert len(executed) == 25
    assert seconds < 10


# --- When Unipile does not answer -----------------------------------------------------------------


DOWN = Fault(close=True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(close=True), "Unipile cannot be reached right now."),
        (Fault(status=503), "Unipile cannot be reached right now."),
        (Fault(status=500), "Unipile gave an answer that cannot be used."),
        (Fault(status=429), "Unipile takes no more requests right now."),
        (Fault(status=429, headers={"Retry-After": "3600"}), "Unipile takes no more requests"),
        (Fault(body=b"<html>"), "Unipile gave an answer that cannot be used."),
        (Fault(delay=5), "Unipile did not answer in time."),
        (Fault(drip_body=0.1), "Unipile did not answer in time."),
    ],
)
@pytest.mark.parametrize("way", ["button", "action", "list"])
@pytest.mark.usefixtures("at_once")
def test_failing_unipile_is_a_readable_report(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 0.5)
    accounts = [make_account(owner, sandbox) for _ in range(25 if way == "list" else 1)]
    before = [stored(account) for account in accounts]
    sandbox.inject(fault)

    response = press(support, accounts[0]) if way == "button" else refresh(support, *accounts)

    level, words = report(response)
    assert level == "error"
    assert reason in words
    assert words.count(reason) == 1
    assert [stored(account) for account in accounts] == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("count", [1, 25])
def test_rejected_key_is_one_message(
    support: Client, owner: User, sandbox: Sandbox, status: int, count: int
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(count)]
    sandbox.inject(Fault(status=status, error_type="errors/missing_credentials"))

    level, words = report(refresh(support, *accounts))

    assert level == "error"
    assert words == (
        "No account was refreshed. Unipile refuses this service's API key. Nothing was changed."
        " The operator must check UNIPILE_API_KEY and UNIPILE_DSN; reconnecting the account does"
        " not help."
    )
    assert len(sandbox.requests) == 1
    assert sandbox.api_key not in words


@pytest.mark.parametrize("setting", ["UNIPILE_DSN", "UNIPILE_API_KEY"])
@pytest.mark.parametrize("way", ["button", "action"])
def test_missing_settings_are_one_message(
    support: Client, owner: User, sandbox: Sandbox, settings: Settings, way: str, setting: str
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    setattr(settings, setting, "")

    response = press(support, accounts[0]) if way == "button" else refresh(support, *accounts)

    assert report(response) == (
        "error",
        (
            "No account was refreshed. This service is not set up to talk to Unipile. The operator"
            " must run manage.py check."
        ),
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503), "250 refreshed (250 changed), 0 skipped, 10 failed."),
        (
            Fault(status=401, error_type="errors/missing_credentials"),
            "250 refreshed (250 changed), 0 skipped, 0 failed. The rest was not asked for.",
        ),
        (Fault(delay=5), "250 refreshed (250 changed), 0 skipped, 10 failed."),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_what_was_refreshed_before_a_failure_stays_refreshed(
    support: Client,
    owner: User,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 3.0)
    payloads = [linkedin_account() for _ in range(260)]
    sandbox.load(payloads)
    UnipileAccount.objects.bulk_create(
        UnipileAccount(user=owner, unipile_account_id=payload["id"]) for payload in payloads
    )
    sandbox.inject(fault, page=2)

    response = refresh(support, _selected_action=["x"], select_across="1")

    level, words = report(response)
    assert level == "error"
    assert reason in words
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert LogEntry.objects.count() == 250


def test_accounts_that_were_not_reached_in_time_are_counted(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "SECONDS", 0.2)
    monkeypatch.setattr(refreshing, "SECONDS_TO_FAIL", 0.0)
    for _ in range(40):
        make_account(owner, sandbox)
    sandbox.inject(Fault(delay=5))

    level, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert level == "error"
    assert words.startswith(
        "1 account: 0 refreshed (0 changed), 0 skipped, 1 failed. 39 more were not"
    )


def test_accounts_of_another_workspace_are_failures_and_stay_as_they_are(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    for _ in range(30):
        make_account(owner)

    level, words = report(refresh(support, _selected_action=["x"], select_across="1"))

    assert level == "error"
    assert words.startswith("30 accounts: 0 refreshed (0 changed), 0 skipped, 30 failed.")
    assert "may belong to another workspace" in words
    assert set(UnipileAccount.objects.values_list("status", flat=True)) == {"connected"}


# --- The button -----------------------------------------------------------------------------------


def test_button_refreshes_the_account_and_comes_back_to_it(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(premium_features=["premium"]))
    page = support.get(page_of(account))
    assert f'<form action="{button_of(account)}" method="post">' in text(page)
    assert "Refresh from Unipile</button>" in text(page)

    response = press(support, account)

    assert response.redirect_chain == [(page_of(account), 302)]
    level, words = report(response)
    assert level == "success"
    assert "premium: no → yes" in words
    assert len(sandbox.requests) == 1
    assert report(press(support, account)) == (
        "success",
        "The account was refreshed. Nothing has changed.",
    )


def test_button_keeps_the_filters_of_the_list(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    filters = "?_changelist_filters=is_premium__exact%3D0"

    assert f'action="{button_of(account)}{filters}"' in text(
        support.get(page_of(account) + filters)
    )
    response = support.post(button_of(account) + filters)

    assert response["Location"] == page_of(account) + filters


def test_button_reports_a_lost_login_and_stores_it(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(statuses=["CREDENTIALS"])
    account = make_account(owner, sandbox, payload=payload, name="Mara", is_premium=True)

    assert report(press(support, account)) == (
        "error",
        (
            "The account was not refreshed. Failed Mara (status: connected → credentials required):"
            " Reconnect the account to LinkedIn, then refresh it again."
        ),
    )
    account.refresh_from_db()
    assert account.status == "credentials_required"
    assert account.is_premium


def test_button_on_a_disconnected_account_asks_nobody(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, name="Mara", status="disconnected")

    level, words = report(press(support, account))

    assert level == "warning"
    assert words == (
        "The account was skipped. Skipped Mara: The account is disconnected, so it was not read."
        " Reconnect it to LinkedIn first."
    )
    assert sandbox.requests == []


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_button_takes_nothing_but_a_post(
    support: Client, owner: User, sandbox: Sandbox, method: str
) -> None:
    account = make_account(owner, sandbox)

    response = getattr(support, method)(button_of(account))

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert sandbox.requests == []


def test_button_needs_the_csrf_token(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))

    assert client.post(button_of(account)).status_code == 403
    assert sandbox.requests == []

    page = client.get(page_of(account))
    token = page.context["csrf_token"]
    assert client.post(button_of(account), {"csrfmiddlewaretoken": token}).status_code == 302
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "pk", ["00000000-0000-0000-0000-000000000000", "nonsense", "_3C", "a/b", "%00"]
)
def test_button_of_an_account_that_is_not_there_says_so(support: Client, pk: str) -> None:
    response = support.post(f"{LIST}{pk}/refresh/", follow=True)

    assert report(response) == (
        "warning",
        "There is no such account any more. Nothing was refreshed.",
    )
    assert response.redirect_chain == [(LIST, 302)]


def test_button_sends_a_stranger_to_the_login(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)

    for client in (Client(), logged_in(owner)):
        response = client.post(button_of(account))
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
    assert sandbox.requests == []


# --- Adding ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_added_account_is_refreshed_at_once(admin: Client, owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account("-k3Vd9QmTRxS1aLw0ZbYc_", premium_features=["sales_navigator"])
    sandbox.add(payload)

    response = add(admin, owner, "  -k3Vd9QmTRxS1aLw0ZbYc_\n")

    account = UnipileAccount.objects.get()
    assert account.user == owner
    assert account.unipile_account_id == payload["id"]
    assert account.has_sales_navigator
    (added, _), (refreshed, words) = reports(response)
    assert added == refreshed == "success"
    assert "Sales Navigator: no → yes" in words
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [1, 2]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fault", "reason", "status"),
    [
        (Fault(status=404, error_type="errors/resource_not_found"), "Reconnect", "disconnected"),
        (Fault(status=503), "Unipile cannot be reached right now.", "connected"),
        (Fault(status=401), "Unipile refuses this service's API key.", "connected"),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_added_account_is_kept_when_it_cannot_be_refreshed(
    admin: Client, owner: User, sandbox: Sandbox, fault: Fault, reason: str, status: str
) -> None:
    sandbox.inject(fault)

    response = add(admin, owner, "k3Vd9QmTRxS1aLw0ZbYc7A")

    assert UnipileAccount.objects.get().status == status
    (added, _), (refreshed, words) = reports(response)
    assert added == "success"
    assert refreshed == "error"
    assert reason in words
    assert "It is stored all the same." in words


@pytest.mark.django_db(transaction=True)
def test_account_added_without_the_permission_to_refresh_is_not_refreshed(
    owner: User, sandbox: Sandbox
) -> None:
    client = staff("add_unipileaccount", "view_unipileaccount")
    account_id = sandbox.add(linkedin_account())

    response = add(client, owner, account_id)

    assert reports(response)[1] == (
        "warning",
        "The account was not refreshed, because you may not refresh accounts.",
    )
    assert sandbox.requests == []


def test_adding_asks_for_owner_and_unipile_id_only(admin: Client, owner: User) -> None:
    for number in range(30):
        User.objects.create(username=f"customer-{number}")

    response = admin.get(ADD)

    assert list(response.context["adminform"].form.fields) == ["user", "unipile_account_id"]
    assert "customer-7" not in text(response)
    assert "Refresh from Unipile" not in text(response)


@pytest.mark.parametrize(
    ("unipile_account_id", "message"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("k3Vd9 QmTRxS1aLw0ZbYc7A", "letters, digits, hyphens and underscores"),
        ("../../users/me?x=", "letters, digits, hyphens and underscores"),
        ("k3Vd\0", "Null characters are not allowed."),
        ("ä" * 22, "letters, digits, hyphens and underscores"),
        ("a" * 256, "at most 255 characters"),
        ("taken", "There is already an account with this Unipile id."),
        (" taken ", "There is already an account with this Unipile id."),
    ],
)
def test_adding_checks_the_unipile_id(
    admin: Client, owner: User, sandbox: Sandbox, unipile_account_id: str, message: str
) -> None:
    UnipileAccount.objects.create(user=owner, unipile_account_id="taken")

    response = add(admin, owner, unipile_account_id)

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["unipile_account_id"]
    assert message in str(errors)
    assert UnipileAccount.objects.count() == 1
    assert sandbox.requests == []


# --- Forms ----------------------------------------------------------------------------------------


def test_what_unipile_decides_cannot_be_edited(admin: Client, owner: User) -> None:
    account = make_account(owner, name="Mara")
    before = stored(account)
    edited = {
        "name": "Eve",
        "profile_url": "https://www.linkedin.com/in/eve",
        "is_premium": "on",
        "has_sales_navigator": "on",
        "weekly_connection_limit": "9999",
        "weekly_message_limit": "9999",
        "refreshed_at_0": "2020-01-01",
        "refreshed_at_1": "00:00:00",
        "unipile_account_id": "other",
        "id": str(UUID(int=1)),
    }
    form = admin.get(page_of(account)).context["adminform"].form
    assert set(form.fields) == {"user", "status"}

    response = admin.post(
        page_of(account), {**edited, "user": owner.pk, "status": "connected", **initials(account)}
    )

    assert response.status_code == 302
    assert stored(account) == before


def test_form_saves_what_was_edited_and_keeps_a_refresh_that_came_meanwhile(
    admin: Client, owner: User, stranger: User
) -> None:
    account = make_account(owner)
    shown = initials(account)
    UnipileAccount.objects.update(status="credentials_required", is_premium=True)

    admin.post(page_of(account), {"user": stranger.pk, "status": "connected", **shown})

    account.refresh_from_db()
    assert account.user == stranger
    assert account.status == "credentials_required"
    assert account.is_premium


def test_reconnected_account_is_set_to_connected_and_read_again(
    admin: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox, status="disconnected")

    edited = {"user": owner.pk, "status": "connected", **initials(account)}
    assert reports(admin.post(page_of(account), edited, follow=True))[0][0] == "success"

    assert report(press(admin, account))[0] == "success"


def initials(account: UnipileAccount) -> dict[str, Any]:
    """Return what the form remembers of what it showed."""
    return {"initial-user": account.user_id, "initial-status": account.status}


def test_profile_is_a_link_that_opens_safely(admin: Client, owner: User) -> None:
    url = "https://www.linkedin.com/in/mara%22-feldkamp"
    account = make_account(owner, profile_url=url)

    link = f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>'
    assert link in text(admin.get(page_of(account)))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://www.linkedin.com/in/mara",
        "https://www.linkedin.com.evil.example/in/mara",
        "https://evil.example/https://www.linkedin.com/in/mara",
        "https://www.linkedin.com/redir?url=x",
        "https://www.linkedin.com@evil.example/in/mara",
        " https://www.linkedin.com/in/mara",
        "//www.linkedin.com/in/mara",
    ],
)
@pytest.mark.parametrize("permissions", [["view_unipileaccount"], ["change_unipileaccount"]])
def test_any_other_address_is_never_a_link(owner: User, url: str, permissions: list[str]) -> None:
    account = make_account(owner, profile_url=url)

    page = text(staff(*permissions).get(page_of(account)))

    assert f'href="{url}"' not in page
    assert url in page


def test_everything_that_came_from_outside_is_escaped(admin: Client, owner: User) -> None:
    evil = "<script>alert(1)</script>"
    User.objects.filter(pk=owner.pk).update(username=evil)
    account = make_account(owner, name=evil, profile_url=evil)
    UnipileAccount.objects.update(unipile_account_id=evil)

    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/", f"{LIST}?q={evil}"):
        assert evil not in text(admin.get(url))
    assert evil not in text(refresh(admin, account))


# --- Permissions ----------------------------------------------------------------------------------


def test_support_group_looks_and_refreshes_and_nothing_else(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)

    actions = dict(support.get(LIST).context["action_form"].fields["action"].choices)
    assert set(actions) == {"", ACTION}
    assert actions[ACTION] == "Refresh premium status from Unipile"
    assert report(refresh(support, account))[0] == "success"
    assert report(press(support, account))[0] == "success"
    assert support.get(ADD).status_code == 403
    assert support.post(page_of(account), {"status": "disconnected"}).status_code == 403
    assert support.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "permissions",
    [
        ["view_unipileaccount"],
        ["view_unipileaccount", "change_unipileaccount", "delete_unipileaccount"],
    ],
)
def test_staff_without_the_permission_cannot_refresh(
    owner: User, sandbox: Sandbox, permissions: list[str]
) -> None:
    client = staff(*permissions)
    account = make_account(owner, sandbox)

    assert "Refresh" not in text(client.get(LIST)).replace("last refreshed", "")
    assert "Refresh from Unipile" not in text(client.get(page_of(account)))
    assert refresh(client, account).status_code == 403
    assert refresh(client, account, action=["", ACTION], index="1").status_code == 403
    assert press(client, account).status_code == 403
    assert client.post(button_of(UnipileAccount())).status_code == 403
    assert sandbox.requests == []


@pytest.mark.parametrize("permissions", [[], ["refresh_unipileaccount"]])
def test_staff_without_the_permission_to_look_see_nothing(
    owner: User, sandbox: Sandbox, permissions: list[str]
) -> None:
    client = staff(*permissions)
    account = make_account(owner, sandbox)

    assert "Unipile accounts" not in text(client.get("/admin/"))
    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/"):
        assert client.get(url).status_code == 403
    assert refresh(client, account).status_code == 403
    assert press(client, account).status_code == 403
    assert sandbox.requests == []


# --- History --------------------------------------------------------------------------------------


def test_refresh_that_changed_something_is_in_the_history(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(name="Mara", premium_features=["premium"])
    account = make_account(owner, sandbox, payload=payload, name="Mara")
    before = timezone.now()

    press(support, account)

    entry = LogEntry.objects.get()
    assert entry.user.get_username().startswith("staff-")
    assert entry.get_edited_object() == account
    assert entry.object_repr == "Mara"
    assert entry.is_change()
    assert before <= entry.action_time <= timezone.now()
    assert entry.get_change_message() == (
        "Refreshed from Unipile: profile URL: none →"
        " https://www.linkedin.com/in/robin-sample-example, premium: no → yes,"
        " weekly connection limit: 80 → 100, weekly message limit: 100 → 150."
    )
    assert "premium: no → yes" in text(support.get(f"{LIST}{account.pk}/history/"))


def test_refresh_that_changed_nothing_leaves_no_history(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    refresh(support, *accounts)
    LogEntry.objects.all().delete()

    refresh(support, *accounts)
    press(support, accounts[0])

    assert not LogEntry.objects.exists()


def test_bulk_refresh_writes_a_history_for_each_changed_account(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(3)]
    sandbox.update(accounts[2].unipile_account_id, status="CREDENTIALS")

    refresh(support, *accounts)

    assert {entry.object_id for entry in LogEntry.objects.all()} == {
        str(account.pk) for account in accounts
    }
    assert LogEntry.objects.get(object_id=accounts[2].pk).change_message == (
        "Refreshed from Unipile: status: connected → credentials required."
    )


# --- Language -------------------------------------------------------------------------------------


def test_texts_can_be_translated(
    support: Client, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(owner, sandbox)
    make_account(owner, status="disconnected")
    translations = translation._trans  # type: ignore[attr-defined]
    monkeypatch.setattr(translations, "gettext", "«{}»".format)
    monkeypatch.setattr(
        translations,
        "ngettext",
        lambda singular, plural, number: f"«{singular if number == 1 else plural}»",
    )

    listed = text(support.get(LIST))
    shown = text(support.get(page_of(account)))
    pressed = report(press(support, account))[1]
    run = report(refresh(support, _selected_action=["x"], select_across="1"))[1]

    for words in (
        "Refresh premium status from Unipile",
        "(no name yet)",
        "Not for a week",
        "never",
    ):
        assert f"«{words}»" in listed
    assert "«80 connections»<br>«100 messages»" in listed
    assert "«Refresh from Unipile»" in shown
    assert "«What Unipile says»" in shown
    assert pressed.startswith("«The account was refreshed, and it has changed.» «Changed»")
    assert "«name»: «none» → Robin Sample" in pressed
    assert run.startswith("«2 accounts: 1 refreshed (0 changed), 1 skipped, 0 failed.» «Skipped»")
    assert LogEntry.objects.get().change_message.startswith("«Refreshed from Unipile: «name»")
