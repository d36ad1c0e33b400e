"""The life of an account, with Unipile's notices and events over real sockets."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.helpers import api_client, make_account, stored
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_sandbox import Sandbox, UnknownAccountError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("webhook")]


def connect(api: APIClient) -> str:
    response = api.post("/api/unipile/connect")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def reconnect(api: APIClient, account: UnipileAccount) -> str:
    response = api.post("/api/unipile/reconnect", {"accountId": str(account.pk)}, format="json")
    assert response.status_code == 200, response.content
    return str(response.json()["url"])


def listed(api: APIClient) -> list[dict[str, Any]]:
    return list(api.get("/api/unipile/accounts").json()["accounts"])


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
@pytest.mark.parametrize("copies", [1, 2])
def test_order_and_copies_of_the_notices_do_not_matter(
    api: APIClient, sandbox: Sandbox, first: Literal["notice", "event", "together"], copies: int
) -> None:
    sandbox.delivery.first = first
    sandbox.delivery.copies = copies

    sandbox.log_in(connect(api), name="Mara")
    deliveries = sandbox.wait_for_deliveries()

    assert {delivery.state for delivery in deliveries} == {"delivered"}
    [row] = listed(api)
    assert (row["display_name"], row["status"]) == ("Mara", "connected")
    created = AccountChange.objects.filter(field="name", door__in=["connect", "event"])
    assert created.count() == 1


def test_lost_login_is_told_by_the_event(api: APIClient, sandbox: Sandbox) -> None:
    unipile_id = sandbox.log_in(connect(api), name="Mara")
    sandbox.wait_for_deliveries()

    sandbox.log_out(unipile_id)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert row["status"] == "credentials_required"


def test_reconnected_account_is_the_same_row(api: APIClient, owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    sandbox.log_out(account.unipile_account_id)
    sandbox.wait_for_deliveries()
    assert stored(account)["status"] == "credentials_required"

    assert sandbox.log_in(reconnect(api, account)) == account.unipile_account_id
    sandbox.wait_for_deliveries()

    assert UnipileAccount.objects.count() == 1
    assert stored(account)["status"] == "connected"
    statuses = AccountChange.objects.filter(account=account, field="status").order_by("id")
    assert [change.new for change in statuses] == ["credentials_required", "connected"]


def test_disconnected_account_comes_back_as_the_same_row(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    member = sandbox.member_id(account.unipile_account_id)
    api.delete(f"/api/unipile/accounts?accountId={account.pk}")
    sandbox.wait_for_deliveries()
    assert listed(api) == []

    new_id = sandbox.log_in(reconnect(api, account), member_id=member)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["provider_account_id"]) == (str(account.pk), new_id)
    assert new_id != account.unipile_account_id
    assert stored(account)["given_up_at"] is None


def test_same_login_again_keeps_row_and_history(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    member = sandbox.member_id(account.unipile_account_id)
    history = AccountChange.objects.filter(account=account).count()

    new_id = sandbox.log_in(connect(api), member_id=member)
    sandbox.wait_for_deliveries()

    [row] = listed(api)
    assert (row["id"], row["provider_account_id"]) == (str(account.pk), new_id)
    assert AccountChange.objects.filter(account=account).count() > history
    with pytest.raises(UnknownAccountError):
        sandbox.get(account.unipile_account_id)
    assert sandbox.get(new_id)


def test_login_that_another_owner_has_too_is_not_merged(
    api: APIClient, stranger: User, sandbox: Sandbox
) -> None:
    theirs = make_account(stranger, sandbox)
    before = stored(theirs)
    member = sandbox.member_id(theirs.unipile_account_id)

    sandbox.log_in(connect(api), member_id=member)
    sandbox.wait_for_deliveries()

    assert len(listed(api)) == 1
    assert stored(theirs) == before
    assert sandbox.get(theirs.unipile_account_id)


def test_late_notice_revives_nothing_that_was_given_up(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    url = reconnect(api, account)
    sandbox.outbox.hold("notice")
    sandbox.log_in(url)
    api.delete(f"/api/unipile/accounts?accountId={account.pk}")
    given_up = stored(account)

    sandbox.outbox.release("notice")
    sandbox.wait_for_deliveries()

    assert stored(account) == given_up
    assert listed(api) == []


def test_account_that_is_still_connecting_is_read_by_the_next_event(
    api: APIClient, sandbox: Sandbox
) -> None:
    sandbox.outbox.hold("event")
    unipile_id = sandbox.log_in(
        connect(api),
        name="Mara",
        status="CONNECTING",
        omit=["premiumFeatures", "premiumId"],
    )
    sandbox.outbox.release("notice")
    row = UnipileAccount.objects.filter(unipile_account_id=unipile_id)
    sandbox.update(unipile_id, status="OK", premium_features=["premium"])

    sandbox.outbox.release("event")
    sandbox.wait_for_deliveries()

    assert row.get().is_premium is True


def test_outage_of_unipile_is_answered_503_until_the_event_is_true(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    from unipile_sandbox import Fault  # noqa: PLC0415

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


def test_restart_of_unipile_reads_each_account_once_at_most(owner: User, sandbox: Sandbox) -> None:
    accounts = [make_account(owner, sandbox) for _ in range(20)]
    requests = sandbox.request_count

    sandbox.restart()
    sandbox.restart()
    sandbox.wait_for_deliveries()

    # Two CONNECTING and two OK for each; the second OK says what was just read.
    assert sandbox.request_count - requests <= len(accounts) + 2
    assert UnipileAccount.objects.filter(status="connected").count() == len(accounts)


def test_link_is_stored_without_its_address(api: APIClient, owner: User, sandbox: Sandbox) -> None:
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
