from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.helpers import error_of, make_account, stored
from tests.unipile_accounts.webhooks.conftest import SECRET
from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount, WebhookContact
from unipile_accounts.services.linking.links import create_connect_link, create_reconnect_link
from unipile_sandbox import Fault, Sandbox, linkedin_account

URL = "/api/webhooks/unipile"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = SECRET
    settings.PUBLIC_URL = "https://puffle.example"


def post(body: object, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # Unipile sends no JSON content type of its own.
    return Client().post(URL, raw, content_type="text/plain", headers=headers)


def event(account_id: str, message: str, *, account_type: str = "LINKEDIN") -> dict[str, Any]:
    body = {"account_id": account_id, "account_type": account_type, "message": message}
    return {"AccountStatus": body}


def send(account: UnipileAccount, message: str) -> Any:
    return post(event(account.unipile_account_id, message), **{"Unipile-Auth": SECRET})


def name_of(sandbox: Sandbox) -> str:
    """Return the name of the link that was asked for last."""
    return str(sandbox.requests[-1].json["name"])


def notify(account_id: str, name: str, status: str = "CREATION_SUCCESS") -> Any:
    return post({"status": status, "account_id": account_id, "name": name})


# --- Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "requests"),
    [
        ("OK", 1),
        ("CREDENTIALS", 1),
        ("DELETED", 1),
        ("CREATION_SUCCESS", 1),
        ("RECONNECTED", 1),
        ("SYNC_SUCCESS", 1),
        ("PERMISSIONS", 1),
        ("A_WORD_OF_NEXT_YEAR", 1),
        ("CONNECTING", 0),
        ("ERROR", 0),
        ("STOPPED", 0),
    ],
)
def test_event_is_a_reason_to_look(
    account: UnipileAccount, sandbox: Sandbox, message: str, requests: int
) -> None:
    sandbox.update(account.unipile_account_id, premium_features=["premium"])

    assert send(account, message).status_code == 200

    assert sandbox.request_count == requests
    assert stored(account)["is_premium"] is bool(requests)
    # What the event claims is not what is written.
    assert stored(account)["status"] == "connected"


def test_second_event_of_the_same_news_reads_nothing(
    account: UnipileAccount, sandbox: Sandbox
) -> None:
    for message in ("CREATION_SUCCESS", "OK", "SYNC_SUCCESS"):
        assert send(account, message).status_code == 200

    assert sandbox.request_count == 1


def test_other_news_is_read_at_once(account: UnipileAccount, sandbox: Sandbox) -> None:
    send(account, "OK")
    sandbox.update(account.unipile_account_id, status="CREDENTIALS")

    assert send(account, "CREDENTIALS").status_code == 200
    assert stored(account)["status"] == "credentials_required"


def test_news_of_the_day_before_is_read_again(account: UnipileAccount, sandbox: Sandbox) -> None:
    send(account, "OK")
    rows = UnipileAccount.objects.filter(pk=account.pk)
    rows.update(refreshed_at=F("refreshed_at") - timedelta(seconds=4))

    send(account, "OK")

    assert sandbox.request_count == 2


@pytest.mark.parametrize("account_type", ["LINKEDIN", "WHATSAPP"])
def test_event_of_an_unknown_account_is_received(
    db: None, sandbox: Sandbox, account_type: str
) -> None:
    body = event("nobodys", "OK", account_type=account_type)

    assert post(body, **{"Unipile-Auth": SECRET}).status_code == 200
    assert sandbox.request_count == 0
    assert not UnipileAccount.objects.exists()


def test_event_of_a_row_that_was_given_up_reads_nothing(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, status="disconnected", given_up_at=timezone.now())
    before = stored(account)

    assert send(account, "OK").status_code == 200
    assert stored(account) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(status=503), 503),
        (Fault(status=500), 503),
        (Fault(status=429), 503),
        (Fault(close=True), 503),
        (Fault(status=401), 503),
        # Trying again cannot mend these; the refresh has logged them.
        (Fault(body=b"<html>"), 200),
        (Fault(status=401, error_type="errors/expired_credentials"), 200),
        (Fault(status=401, error_type="errors/multiple_sessions"), 200),
    ],
)
def test_refresh_that_fails_is_asked_for_again_where_that_helps(
    account: UnipileAccount, sandbox: Sandbox, fault: Fault, status: int
) -> None:
    sandbox.inject(fault)

    response = send(account, "SYNC_SUCCESS")

    assert response.status_code == status
    assert response.get("Retry-After") == ("30" if status == 503 else None)


def test_last_contact_is_remembered_to_the_minute(account: UnipileAccount) -> None:
    send(account, "CONNECTING")
    first = WebhookContact.objects.get().reached_at
    send(account, "CONNECTING")
    assert WebhookContact.objects.get().reached_at == first

    WebhookContact.objects.update(reached_at=first - timedelta(minutes=2))
    send(account, "CONNECTING")

    assert WebhookContact.objects.get().reached_at > first


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Unipile-Auth": ""}, {"Unipile-Auth": "guess"}])
def test_event_without_our_secret_is_refused(
    account: UnipileAccount, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    response = post(event(account.unipile_account_id, "OK"), **headers)

    assert error_of(response, 401)["code"] == "not_authenticated"
    assert sandbox.request_count == 0
    assert not WebhookContact.objects.exists()


@pytest.mark.parametrize("header", ["Unipile-Auth", "unipile-auth", "UNIPILE-AUTH"])
def test_case_of_the_header_does_not_matter(account: UnipileAccount, header: str) -> None:
    body = event(account.unipile_account_id, "CONNECTING")

    assert post(body, **{header: SECRET}).status_code == 200


def test_events_wait_until_the_secret_is_set(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_WEBHOOK_SECRET = ""

    response = post(event(account.unipile_account_id, "OK"), **{"Unipile-Auth": ""})

    assert error_of(response, 503)["code"] == "unipile_not_configured"
    assert sandbox.request_count == 0


BROKEN = [b"", b"{", b"[]", b"null", b"[" * 60_000, b'{"AccountStatus": {}}', b"a=b", b"\xff"]


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_event_is_refused(db: None, sandbox: Sandbox, body: bytes) -> None:
    response = post(body, **{"Unipile-Auth": SECRET})

    assert error_of(response, 400)["code"] == "parse_error"
    assert error_of(post(body), 401)["code"] == "not_authenticated"
    assert sandbox.request_count == 0


def test_large_body_is_refused(db: None, sandbox: Sandbox) -> None:
    response = post(b"x" * 70_000, **{"Unipile-Auth": SECRET})

    assert error_of(response, 413)["code"] == "request_too_large"


def test_other_methods_are_not_allowed(db: None) -> None:
    assert Client().get(URL).status_code == 405


def test_secret_and_names_are_not_logged(
    account: UnipileAccount, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    post(event(account.unipile_account_id, "OK"), **{"Unipile-Auth": "a-guessed-secret"})
    notify("account", "a-forged-name")
    send(account, "OK")

    assert "a-guessed-secret" not in caplog.text
    assert "a-forged-name" not in caplog.text
    assert SECRET not in caplog.text


# --- Notices --------------------------------------------------------------------------------------


@pytest.fixture
def connected(owner: User, sandbox: Sandbox) -> tuple[str, str]:
    """A login at Unipile that no notice has told of, and the name of its link."""
    create_connect_link(owner)
    return sandbox.add(linkedin_account()), name_of(sandbox)


def test_notice_creates_a_row_and_refreshes_it(
    owner: User, sandbox: Sandbox, connected: tuple[str, str]
) -> None:
    unipile_id, name = connected

    assert notify(unipile_id, name).status_code == 200

    row = UnipileAccount.objects.get()
    assert (row.user, row.unipile_account_id, row.status) == (owner, unipile_id, "connected")
    assert row.refreshed_at is not None
    assert ConnectLink.objects.get().account == row


def test_notice_that_comes_twice_does_nothing_more(
    sandbox: Sandbox, connected: tuple[str, str]
) -> None:
    notify(*connected)
    row, requests = UnipileAccount.objects.values().get(), sandbox.request_count

    assert notify(*connected).status_code == 200
    assert UnipileAccount.objects.values().get() == row
    assert sandbox.request_count == requests


def test_used_link_connects_no_other_account(sandbox: Sandbox, connected: tuple[str, str]) -> None:
    notify(*connected)
    other = sandbox.add(linkedin_account())

    assert error_of(notify(other, connected[1]), 401)["code"] == "not_authenticated"
    assert UnipileAccount.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    ["", "guess", "a:b:c", signing.dumps("ffff", salt="other"), signing.dumps(7)],
    ids=["none", "guess", "parts", "other salt", "other type"],
)
def test_forged_notice_is_refused(db: None, sandbox: Sandbox, name: str) -> None:
    assert (
        error_of(notify(sandbox.add(linkedin_account()), name), 401)["code"] == "not_authenticated"
    )
    assert not UnipileAccount.objects.exists()
    assert sandbox.request_count == 0


@pytest.mark.parametrize(("hours", "status"), [(2, 200), (26, 401)])
def test_login_may_end_after_the_link_but_not_a_day_later(
    sandbox: Sandbox, connected: tuple[str, str], hours: int, status: int
) -> None:
    ConnectLink.objects.update(expires_at=timezone.now() - timedelta(hours=hours - 1))

    assert notify(*connected).status_code == status
    assert UnipileAccount.objects.exists() is (status == 200)


def test_account_of_another_owner_is_not_taken_over(
    stranger: User, sandbox: Sandbox, connected: tuple[str, str]
) -> None:
    theirs = make_account(stranger, sandbox)
    before = stored(theirs)

    response = notify(theirs.unipile_account_id, connected[1])

    assert error_of(response, 401)["code"] == "not_authenticated"
    assert stored(theirs) == before
    assert ConnectLink.objects.get().used_at is None


def test_notice_of_a_failed_login_changes_nothing(
    sandbox: Sandbox, connected: tuple[str, str]
) -> None:
    assert notify(*connected, "CREATION_FAIL").status_code == 200
    assert not UnipileAccount.objects.exists()
    assert ConnectLink.objects.get().used_at is None


def test_row_is_there_though_unipile_fails_meanwhile(
    sandbox: Sandbox, connected: tuple[str, str]
) -> None:
    sandbox.inject(Fault(status=500))

    assert notify(*connected).status_code == 200
    row = UnipileAccount.objects.get()
    assert (row.status, row.refreshed_at, row.last_error) == ("connected", None, "unipile_error")


def test_notice_of_a_deleted_users_link_is_refused(owner: User, connected: tuple[str, str]) -> None:
    owner.delete()

    assert error_of(notify(*connected), 401)["code"] == "not_authenticated"


def test_account_that_got_another_owner_is_not_reconnected(
    owner: User, stranger: User, account: UnipileAccount, sandbox: Sandbox
) -> None:
    create_reconnect_link(UnipileAccount.objects.all(), account.pk)
    name = name_of(sandbox)
    UnipileAccount.objects.update(user=stranger)
    before = stored(account)

    response = notify(account.unipile_account_id, name, "RECONNECTED")

    assert error_of(response, 401)["code"] == "not_authenticated"
    assert stored(account) == before


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        (("ACoAAone", "ACoAAone"), "first"),
        (("ACoAAone", ""), "first"),
        (("ACoAAone", "B"), "second"),
    ],
    ids=["same member", "unknown member", "two members"],
)
def test_reconnect_with_a_login_of_another_row_keeps_one_row_a_member(
    owner: User, sandbox: Sandbox, members: tuple[str, str], kept: str
) -> None:
    first = make_account(owner, sandbox, linkedin_id=members[0])
    second = make_account(owner, sandbox, linkedin_id=members[1])
    sandbox.delete(first.unipile_account_id)
    create_reconnect_link(UnipileAccount.objects.all(), first.pk)
    AccountChange.objects.create(account=second, door="admin", field="name", old="a", new="b")

    assert notify(second.unipile_account_id, name_of(sandbox)).status_code == 200

    row = UnipileAccount.objects.get(unipile_account_id=second.unipile_account_id)
    assert row.pk == {"first": first, "second": second}[kept].pk
    assert UnipileAccount.objects.count() == (1 if kept == "first" else 2)
    assert AccountChange.objects.filter(account=row, field="name", new="b").exists()


def test_new_login_is_believed_more_than_an_old_live_reading(
    account: UnipileAccount, sandbox: Sandbox
) -> None:
    UnipileAccount.objects.update(live_checked_at=timezone.now(), live_snapshot="[[],null]")
    create_reconnect_link(UnipileAccount.objects.all(), account.pk)

    notify(account.unipile_account_id, name_of(sandbox), "RECONNECTED")

    assert stored(account)["live_checked_at"] is None
