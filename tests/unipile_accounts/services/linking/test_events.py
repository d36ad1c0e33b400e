"""The life of an account, with Unipile's notices and events over real sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from tests.helpers import api_client, make_account, stored
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts
from unipile_sandbox import Fault, Sandbox, UnknownAccountError, linkedin_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("webhook")]

SECRET = "a-secret-for-tests-only"


@pytest.fixture
def webhook(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> str:
    """Unipile's webhook, registered for the address at which Unipile and browsers reach us."""
    settings.PUBLIC_URL = live_server.url
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    return sandbox.add_webhook(
        f"{live_server.url}/api/webhooks/unipile",
        secret=SECRET,
        events=["ok", "credentials", "deleted", "creation_success", "reconnected", "sync_success"],
    )


def connect(api: APIClient) -> str:
    response = api.post("/api/unipile/connect")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def reconnect(api: APIClient, account: UnipileAccount) -> str:
    response = api.post("/api/unipile/reconnect", {"accountId": str(account.pk)}, format="json")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def disconnect(api: APIClient, account: UnipileAccount) -> None:
    assert api.delete(f"/api/unipile/accounts?accountId={account.pk}").status_code == 200


def refresh(api: APIClient, account: UnipileAccount) -> int:
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    return int(response.status_code)


def listed(api: APIClient) -> list[dict[str, Any]]:
    return list(api.get("/api/unipile/accounts").json()["accounts"])


def history(account: UnipileAccount) -> list[dict[str, Any]]:
    return [entry.changes for entry in account.changes.order_by("id")]


def test_login_through_a_link_becomes_a_row(api: APIClient, owner: User, sandbox: Sandbox) -> None:
    unipile_id = sandbox.log_in(connect(api), name="Mara", premium_features=["premium"])
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["provider_account_id"], row["display_name"]) == (unipile_id, "Mara")
    assert (row["status"], row["is_premium"], row["weekly_message_limit"]) == (
        "connected",
        True,
        150,
    )
    assert UnipileAccount.objects.get().user == owner


@pytest.mark.parametrize("first", ["notice", "event", "together"])
def test_order_and_copies_do_not_matter(
    api: APIClient, sandbox: Sandbox, first: Literal["notice", "event", "together"]
) -> None:
    sandbox.delivery.first = first
    sandbox.delivery.copies = 2

    sandbox.log_in(connect(api), name="Mara")
    deliveries = sandbox.wait_for_deliveries()

    assert {delivery.state for delivery in deliveries} == {"delivered"}
    [row] = listed(api)
    assert (row["display_name"], row["status"]) == ("Mara", "connected")
    entries = AccountChange.objects.values_list("changes", flat=True)
    assert [entry["display_name"] for entry in entries] == [[None, "Mara"]]


def test_lost_login_is_told_by_the_event(api: APIClient, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    sandbox.log_out(account.unipile_account_id)
    sandbox.wait_for_deliveries()
    [row] = listed(api)
    assert row["status"] == "credentials_required"

    assert sandbox.log_in(reconnect(api, account)) == account.unipile_account_id
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["status"]) == (str(account.pk), "connected")
    statuses = [entry["status"] for entry in history(account) if "status" in entry]
    assert statuses == [
        ["connected", "credentials_required"],
        ["credentials_required", "connected"],
    ]


def test_disconnected_account_comes_back_as_it_was(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    payload = linkedin_account(premium_features=["premium"])
    account = make_account(owner, sandbox, payload=payload)
    refresh(api, account)
    before, known = stored(account), len(history(account))
    disconnect(api, account)
    assert refresh(api, account) == 409
    sandbox.wait_for_deliveries()
    assert listed(api) == []

    new_id = sandbox.log_in(reconnect(api, account), member_id=account.linkedin_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["provider_account_id"]) == (str(account.pk), new_id)
    assert (row["is_premium"], row["last_error"]) == (True, "")
    after = stored(account)
    moved = {"unipile_account_id", "answered_at", "refreshed_at", "version", "updated_at"}
    assert {name for name in after if after[name] != before[name]} == moved
    assert history(account)[known:] == [
        {"status": ["connected", "disconnected"]},
        {
            "status": ["disconnected", "connected"],
            "provider_account_id": [account.unipile_account_id, new_id],
        },
    ]


def test_clock_that_is_behind_loses_no_login(
    api: APIClient, owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(owner, sandbox)
    disconnect(api, account)
    now = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: now() - timedelta(seconds=5))

    new_id = sandbox.log_in(reconnect(api, account), member_id=account.linkedin_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["status"]) == (str(account.pk), "connected")
    assert sandbox.get(new_id)


def test_same_login_again_keeps_row_and_history(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    refresh(api, account)
    known = history(account)

    new_id = sandbox.log_in(connect(api), member_id=account.linkedin_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["provider_account_id"]) == (str(account.pk), new_id)
    moved = {"provider_account_id": [account.unipile_account_id, new_id]}
    assert history(account) == [*known, moved]
    with pytest.raises(UnknownAccountError):
        sandbox.get(account.unipile_account_id)
    assert sandbox.get(new_id)


def test_login_that_another_owner_has_is_not_merged(
    api: APIClient, stranger: User, sandbox: Sandbox
) -> None:
    theirs = make_account(stranger, sandbox)
    before = stored(theirs)

    sandbox.log_in(connect(api), member_id=theirs.linkedin_id)
    sandbox.wait_for_deliveries()

    assert len(listed(api)) == 1
    assert stored(theirs) == before
    assert sandbox.get(theirs.unipile_account_id)


def test_late_notice_revives_nothing_given_up(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    url = reconnect(api, account)
    sandbox.outbox.hold("notice")
    sandbox.log_in(url)
    disconnect(api, account)
    given_up = stored(account)

    sandbox.outbox.release("notice")
    sandbox.wait_for_deliveries()

    assert stored(account) == given_up
    assert listed(api) == []


def test_event_finishes_an_open_claim(api: APIClient, sandbox: Sandbox) -> None:
    sandbox.outbox.hold("event")
    sandbox.delivery.retry_delays = (3600.0,) * 5
    sandbox.inject(Fault(status=503), operation="account")
    unipile_id = sandbox.log_in(connect(api), name="Mara")
    sandbox.wait_for_deliveries(attempts=1)
    assert ConnectLink.objects.get().claimed_account_id == unipile_id
    assert listed(api) == []

    sandbox.clear_faults()
    sandbox.outbox.release("event")
    sandbox.wait_for_deliveries(attempts=1)

    [row] = listed(api)
    assert (row["provider_account_id"], row["display_name"]) == (unipile_id, "Mara")
    assert ConnectLink.objects.get().claimed_account_id == ""


def test_event_of_an_outage_comes_again(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    sandbox.delivery.retry_delays = (3600.0,) * 5
    sandbox.inject(Fault(status=503), account_id=account.unipile_account_id)
    sandbox.log_out(account.unipile_account_id)
    [delivery] = sandbox.wait_for_deliveries(attempts=1)
    assert delivery.attempts[0].status == 503
    assert stored(account)["status"] == "connected"

    sandbox.clear_faults()
    sandbox.outbox.retry_now()
    sandbox.wait_for_deliveries()

    assert stored(account)["status"] == "credentials_required"


def test_link_is_stored_without_its_address(api: APIClient, owner: User) -> None:
    url = connect(api)

    link = ConnectLink.objects.get()
    assert (link.user, link.account, link.used_at) == (owner, None, None)
    assert url not in str(ConnectLink.objects.values().get())
    assert 3500 < (link.expires_at - link.created_at).total_seconds() <= 3600


def test_another_users_link_gives_him_the_account(
    api: APIClient, stranger: User, sandbox: Sandbox
) -> None:
    sandbox.log_in(connect(api_client(stranger)), name="Mara")
    sandbox.wait_for_deliveries()

    assert listed(api) == []
    assert UnipileAccount.objects.get().user == stranger


# --- What a pass makes good -----------------------------------------------------------------------


def run_pass() -> int | None:
    run = refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND, upkeep=True)
    list(run)
    return run.unknown


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=404)])
def test_pass_deletes_what_unipile_kept(
    api: APIClient, owner: User, sandbox: Sandbox, fault: Fault
) -> None:
    account = make_account(owner, sandbox)
    # A 404 of another workspace is no proof that the account is deleted.
    sandbox.inject(fault, operation="delete")
    disconnect(api, account)
    assert sandbox.get(account.unipile_account_id)
    sandbox.clear_faults()

    assert run_pass() == 0

    with pytest.raises(UnknownAccountError):
        sandbox.get(account.unipile_account_id)


def test_pass_counts_what_no_row_knows(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    make_account(owner, sandbox)
    nobodys = sandbox.add(linkedin_account())
    other = sandbox.add(linkedin_account() | {"type": "WHATSAPP"})

    assert run_pass() == 1

    assert "1 LinkedIn accounts that no row knows" in caplog.text
    assert nobodys in caplog.text
    assert other not in caplog.text
    assert sandbox.get(nobodys)
