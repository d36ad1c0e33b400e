"""Claims: what is refused, what stays open, who finishes it, and in which order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.utils import timezone

from tests.helpers import hold, somebody_waits, stored, table, until
from tests.unipile_accounts.services.linking.conftest import (
    M1,
    M2,
    a_claim,
    a_link,
    a_row,
    at_unipile,
    history,
    is_at_unipile,
    notice,
)
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import AccountChange, ConnectLink, ConnectLinkQuerySet, UnipileAccount
from unipile_accounts.payloads.webhook import AccountEvent
from unipile_accounts.results import Door
from unipile_accounts.services import disconnect_account
from unipile_accounts.services.linking.claims import finish_claims
from unipile_accounts.services.linking.events import handle_event, handle_notice
from unipile_sandbox import Fault, Sandbox, linkedin_account

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = "2026-01-01T00:00:00Z"
NOW = timezone.now


def is_used(link: ConnectLink) -> bool:
    link.refresh_from_db()
    return link.used_at is not None and link.claimed_account_id == ""


def is_open(link: ConnectLink) -> bool:
    link.refresh_from_db()
    return link.used_at is None and link.claimed_account_id != ""


def is_as_new(link: ConnectLink) -> bool:
    link.refresh_from_db()
    return (link.used_at, link.claimed_at, link.claimed_account_id) == (None, None, "")


def claims_of(unipile_id: str) -> ConnectLinkQuerySet:
    return ConnectLink.objects.filter(claimed_account_id=unipile_id)


def assert_refused(link: ConnectLink, unipile_id: str) -> None:
    """Nothing comes of the notice, and the link stays as good as it was."""
    rows, requests = table(), AccountChange.objects.count()
    with pytest.raises(PermissionDenied):
        handle_notice(notice(link, unipile_id))
    assert is_as_new(link)
    assert (table(), AccountChange.objects.count()) == (rows, requests)


@pytest.mark.parametrize("odd", ["../webhooks", "x" * 300, "acc_" + "x" * 18])
def test_odd_id_is_refused_unasked(owner: User, sandbox: Sandbox, odd: str) -> None:
    assert_refused(a_link(owner), odd)
    assert sandbox.request_count == 0


def test_link_that_ran_out_is_refused(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    assert_refused(a_link(owner, expires_at=NOW() - timedelta(hours=25)), unipile_id)
    handle_notice(notice(a_link(owner, expires_at=NOW() - timedelta(hours=23)), unipile_id))
    assert UnipileAccount.objects.get().unipile_account_id == unipile_id


def test_account_of_another_provider_is_refused(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    sandbox.add(sandbox.get(unipile_id) | {"type": "WHATSAPP"})

    assert_refused(a_link(owner), unipile_id)


def test_account_older_than_the_link_is_refused(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    for minutes, is_good in ((-11, False), (-9, True)):
        made = NOW() + timedelta(minutes=minutes)
        sandbox.update(unipile_id, created_at=made.isoformat())
        if is_good:
            handle_notice(notice(a_link(owner), unipile_id))
        else:
            assert_refused(a_link(owner), unipile_id)
    assert is_at_unipile(sandbox, unipile_id)


def test_account_that_the_owner_holds_may_be_older(owner: User, sandbox: Sandbox) -> None:
    row, link = a_row(owner, sandbox), a_link(owner)
    sandbox.update(row.unipile_account_id, created_at=LONG_AGO)

    handle_notice(notice(link, row.unipile_account_id))

    assert is_used(link)


@pytest.mark.parametrize("given_up", [False, True])
def test_account_of_another_owner_is_refused(
    owner: User, stranger: User, sandbox: Sandbox, given_up: bool
) -> None:
    theirs = a_row(stranger, sandbox, given_up_at=NOW() if given_up else None)

    assert_refused(a_link(owner), theirs.unipile_account_id)
    assert is_at_unipile(sandbox, theirs.unipile_account_id)


def test_account_of_another_member_is_refused(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, linkedin_id=M2)

    assert_refused(a_link(owner), row.unipile_account_id)


@pytest.mark.parametrize("is_active", [False, None])
def test_link_of_an_owner_who_left_is_refused(
    owner: User, sandbox: Sandbox, is_active: bool | None
) -> None:
    link = a_link(owner)
    if is_active is None:
        owner.delete()
    else:
        User.objects.update(is_active=False)

    assert_refused(link, at_unipile(sandbox))


def test_earlier_claim_of_another_owner_goes_first(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    unipile_id = at_unipile(sandbox)
    theirs = a_claim(stranger, unipile_id)

    assert_refused(a_link(owner), unipile_id)

    finish_claims(claims_of(unipile_id))
    assert is_used(theirs)
    assert UnipileAccount.objects.get().user == stranger


def test_own_earlier_claim_is_no_hindrance(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    a_claim(owner, unipile_id)
    link = a_link(owner)

    handle_notice(notice(link, unipile_id))

    assert is_used(link)


def test_pass_finishes_the_earliest_claim_first(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    """The earlier claim is refused, so that the later one is not in vain."""
    unipile_id = at_unipile(sandbox)
    links = [
        a_claim(owner, unipile_id, pk=f"00000000-0000-4000-8000-00000000000{number}")
        for number in (1, 2)
    ]
    ConnectLink.objects.filter(pk=links[1].pk).update(
        user=stranger,
        claimed_at=NOW() - timedelta(hours=1),
        reconnect_account="another-account-of-his",
    )

    finish_claims(ConnectLink.objects.all())

    assert is_used(links[0])
    assert UnipileAccount.objects.get().user == owner


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"unipile_account_id": "x" * 22},
        {"given_up_at": NOW()},
        {"linkedin_id": M2},
        {"is_moved": True},
    ],
)
def test_reconnect_link_is_for_its_own_account_only(
    owner: User, stranger: User, sandbox: Sandbox, row: dict[str, Any] | None
) -> None:
    unipile_id = at_unipile(sandbox)
    account = None
    if row is not None:
        user = stranger if row.pop("is_moved", False) else owner
        account = a_row(user, sandbox, **{"unipile_account_id": unipile_id, **row})
    link = a_link(owner, account, reconnect_account=unipile_id)

    assert_refused(link, unipile_id)
    assert_refused(link, at_unipile(sandbox, M2))


def test_failed_login_is_no_claim(owner: User, sandbox: Sandbox) -> None:
    link = a_link(owner)
    handle_notice(notice(link, at_unipile(sandbox), "CREATION_FAIL"))
    assert is_as_new(link)


def test_same_notice_again_does_nothing(owner: User, sandbox: Sandbox) -> None:
    link, unipile_id = a_link(owner), at_unipile(sandbox)
    handle_notice(notice(link, unipile_id))
    [row], requests = table(), sandbox.request_count

    handle_notice(notice(link, unipile_id))

    assert (table(), sandbox.request_count) == ([row], requests)


def test_used_link_takes_no_other_account(owner: User, sandbox: Sandbox) -> None:
    link, unipile_id = a_link(owner), at_unipile(sandbox)
    handle_notice(notice(link, unipile_id))
    rows = table()

    with pytest.raises(PermissionDenied):
        handle_notice(notice(link, at_unipile(sandbox, M2)))

    link.refresh_from_db()
    assert (link.unipile_account_id, link.claimed_account_id) == (unipile_id, "")
    assert table() == rows


def test_newest_claim_of_a_link_is_the_one(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = at_unipile(sandbox, M1), at_unipile(sandbox, M2)
    link = a_claim(owner, first)

    handle_notice(notice(link, second))
    finish_claims(claims_of(first))

    assert UnipileAccount.objects.get().linkedin_id == M2
    assert first in caplog.text


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(body=b"<html>"), Fault(status=404), "id", "created_at"]
)
def test_claim_stays_open_while_unipile_cannot_say(
    owner: User, sandbox: Sandbox, fault: Fault | str
) -> None:
    link, unipile_id = a_link(owner), at_unipile(sandbox)
    payload = sandbox.get(unipile_id)
    if isinstance(fault, Fault):
        sandbox.inject(fault, account_id=unipile_id)
    else:
        place = payload["connection_params"]["im"] if fault == "id" else payload
        missing = place.pop(fault)
        sandbox.add(payload)
        place[fault] = missing

    with pytest.raises(UnipileError):
        handle_notice(notice(link, unipile_id))

    assert is_open(link)
    assert not UnipileAccount.objects.exists()
    sandbox.clear_faults()
    sandbox.add(payload)
    handle_notice(notice(link, unipile_id))
    assert is_used(link)


@pytest.mark.parametrize("word", ["OK", "CONNECTING"])
def test_event_finishes_an_open_claim(owner: User, sandbox: Sandbox, word: str) -> None:
    unipile_id = at_unipile(sandbox)
    link = a_claim(owner, unipile_id)

    handle_event(AccountEvent(unipile_id, word))

    assert is_used(link)
    assert UnipileAccount.objects.get().linkedin_id == M1
    assert AccountChange.objects.get().door == "connect"


def test_event_of_an_open_claim_is_sent_again(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    link = a_claim(owner, row.unipile_account_id)
    sandbox.inject(Fault(status=503), account_id=row.unipile_account_id)

    with pytest.raises(UnipileError):
        handle_event(AccountEvent(row.unipile_account_id, "CONNECTING"))

    assert is_open(link)


def test_event_takes_a_bad_claim_off_in_silence(owner: User, sandbox: Sandbox) -> None:
    payload = linkedin_account()
    link = a_claim(owner, sandbox.add(payload))

    handle_event(AccountEvent(payload["id"], "OK"))

    assert is_as_new(link)
    assert not UnipileAccount.objects.exists()


def test_claim_from_before_a_disconnect_revives_nothing(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    link = a_claim(owner, unipile_id, claimed_at=NOW() - timedelta(seconds=2))
    given_up_at = NOW() - timedelta(seconds=1)
    row = a_row(owner, sandbox, given_up_at=given_up_at, status="disconnected")
    before = stored(row)

    handle_notice(notice(link, unipile_id))

    assert is_used(link)
    assert stored(row) == before
    assert history(row) == []


def test_link_whose_row_went_to_another_owner_makes_a_row(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    row = a_row(stranger, sandbox, status="disconnected")
    before = stored(row)

    handle_notice(notice(a_link(owner, row), at_unipile(sandbox)))

    assert UnipileAccount.objects.get(user=owner).linkedin_id == M1
    assert stored(row) == before


def test_later_answer_of_the_row_is_not_undone(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    link = a_claim(owner, row.unipile_account_id)

    def read_later(_: object) -> None:
        sandbox.on_answer = None
        UnipileAccount.objects.filter(pk=row.pk).update(answered_at=NOW())

    asked = sandbox.request_count
    sandbox.on_answer = read_later
    finish_claims(claims_of(row.unipile_account_id))

    assert is_used(link)
    assert sandbox.request_count == asked + 2


def test_claim_from_before_a_disconnect_revives_no_holder(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, status="credentials_required")
    unipile_id = at_unipile(sandbox)
    link = a_claim(owner, unipile_id)
    holder = a_row(
        owner,
        sandbox,
        unipile_account_id=unipile_id,
        linkedin_id="",
        status="disconnected",
        given_up_at=NOW(),
    )
    before = table()

    finish_claims(claims_of(unipile_id))

    assert is_used(link)
    assert table() == before
    assert history(row) == history(holder) == []


def test_disconnect_in_the_future_loses_no_login(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, given_up_at=NOW() + timedelta(days=1), status="disconnected")
    unipile_id = at_unipile(sandbox)

    handle_notice(notice(a_link(owner, row), unipile_id))

    assert stored(row)["status"] == "connected"
    assert stored(row)["unipile_account_id"] == unipile_id


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_disconnect_that_waited_is_later_than_a_claim(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox)
    unipile_id = at_unipile(sandbox)
    rows = UnipileAccount.objects.all()
    release = hold(row)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(disconnect_account, rows, row.pk, door=Door.API)
        until(somebody_waits)
        link = a_claim(owner, unipile_id, account=row)
        release()
        waiting.result()
        pool.submit(connections.close_all)
    finish_claims(claims_of(unipile_id))

    assert is_used(link)
    assert stored(row)["status"] == "disconnected"
