"""What a pass over all accounts does at its end: nobody's paid account is left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.helpers import free_accounts, make_account, stored
from tests.unipile_accounts.services.linking.conftest import (
    M1,
    M2,
    a_claim,
    a_link,
    a_row,
    at_unipile,
    is_at_unipile,
    notice,
)
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import disconnect_account, refresh_accounts
from unipile_accounts.services.linking import upkeep
from unipile_accounts.services.linking.events import handle_notice
from unipile_sandbox import Fault, Sandbox, linkedin_account

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now


@pytest.fixture(autouse=True)
def _ours(stranger: User, sandbox: Sandbox) -> None:
    """Another account of ours shows that the workspace is ours."""
    make_account(stranger, sandbox)


def run_the_pass(**options: Any) -> int | None:
    """Run it over all accounts, and return how many no row knows."""
    options = {"upkeep": True, **options}
    run = refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND, **options)
    list(run)
    return run.unknown


def deletes(sandbox: Sandbox) -> list[str]:
    return [each.path.rpartition("/")[2] for each in sandbox.requests if each.method == "DELETE"]


def used_link(user: User, unipile_id: str) -> None:
    a_link(user, used_at=NOW(), unipile_account_id=unipile_id)


def test_pass_finishes_open_claims(owner: User, sandbox: Sandbox) -> None:
    unipile_id = at_unipile(sandbox)
    link = a_claim(owner, unipile_id)

    assert run_the_pass() == 0

    link.refresh_from_db()
    assert link.used_at
    assert UnipileAccount.objects.get(user=owner).unipile_account_id == unipile_id


def test_pass_takes_off_what_ran_out(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    unipile_id = at_unipile(sandbox)
    link = a_claim(owner, unipile_id, expires_at=NOW() - timedelta(hours=25))
    sandbox.inject(Fault(status=503), account_id=unipile_id, operation="account")

    assert run_the_pass() == 1

    link.refresh_from_db()
    assert (link.claimed_account_id, link.claimed_at, link.used_at) == ("", None, None)
    assert is_at_unipile(sandbox, unipile_id)
    assert unipile_id in caplog.text


def test_claim_that_fails_does_not_stop_others(owner: User, sandbox: Sandbox) -> None:
    first, second = at_unipile(sandbox), at_unipile(sandbox, "ACoAAB-member-two")
    links = [a_claim(owner, each) for each in (first, second)]
    sandbox.inject(Fault(status=500), account_id=first)

    run_the_pass()

    for link in links:
        link.refresh_from_db()
    assert [bool(link.used_at) for link in links] == [False, True]


# A 404 without another account of ours may come from another workspace.
@pytest.mark.parametrize("status", [500, 404])
def test_delete_that_failed_is_repeated(owner: User, sandbox: Sandbox, status: int) -> None:
    row = a_row(owner, sandbox)
    sandbox.inject(Fault(status=status), operation="delete")
    sandbox.inject(Fault(body=b'{"object": "AccountList", "items": []}'), operation="list")
    assert not disconnect_account(UnipileAccount.objects.all(), row.pk, door=Door.API)
    sandbox.clear_faults()
    given_up = stored(row)

    assert run_the_pass() == 0

    assert not is_at_unipile(sandbox, row.unipile_account_id)
    assert stored(row) == given_up


def test_given_up_account_with_a_claim_is_kept(
    owner: User, stranger: User, sandbox: Sandbox
) -> None:
    row = a_row(owner, sandbox, given_up_at=NOW(), status="disconnected")
    a_claim(owner, row.unipile_account_id)
    sandbox.inject(Fault(status=503), account_id=row.unipile_account_id, operation="account")

    run_the_pass()

    assert deletes(sandbox) == []


def test_replaced_login_of_a_link_is_deleted(owner: User, sandbox: Sandbox) -> None:
    a_row(owner, sandbox)
    left = at_unipile(sandbox)
    used_link(owner, left)

    assert run_the_pass() == 0

    assert deletes(sandbox) == [left]


@pytest.mark.parametrize("status", ["CREDENTIALS", "CONNECTING", "another member"])
@pytest.mark.parametrize("whose", ["owner", "stranger"])
def test_replaced_login_is_kept_while_its_row_is_not_alive(
    request: pytest.FixtureRequest, owner: User, sandbox: Sandbox, status: str, whose: str
) -> None:
    row = a_row(request.getfixturevalue(whose), sandbox)
    if status == "another member":
        sandbox.add(linkedin_account(row.unipile_account_id, im={"id": M2}))
    else:
        sandbox.update(row.unipile_account_id, status=status)
    left = at_unipile(sandbox)
    used_link(owner, left)

    assert run_the_pass() == 1

    assert deletes(sandbox) == []


def test_login_of_a_link_whose_row_is_given_up_goes(owner: User, sandbox: Sandbox) -> None:
    row = a_row(owner, sandbox, given_up_at=NOW(), status="disconnected")
    sandbox.remove(row.unipile_account_id)
    left = at_unipile(sandbox)
    used_link(owner, left)

    assert run_the_pass() == 0

    assert deletes(sandbox) == [left]


def test_replaced_login_without_member_is_kept(owner: User, sandbox: Sandbox) -> None:
    left = at_unipile(sandbox)
    payload = sandbox.get(left)
    del payload["connection_params"]["im"]["id"]
    sandbox.add(payload)
    used_link(owner, left)

    assert run_the_pass() == 1

    assert deletes(sandbox) == []


def test_upkeep_is_done_though_many_are_missing(owner: User, sandbox: Sandbox) -> None:
    for each in free_accounts(owner, sandbox, 20)[:2]:
        sandbox.remove(each.unipile_account_id)
    row = a_row(owner, sandbox, given_up_at=NOW(), status="disconnected")
    link = a_claim(owner, at_unipile(sandbox, M2))

    assert run_the_pass() == 0

    link.refresh_from_db()
    assert link.used_at
    assert deletes(sandbox) == [row.unipile_account_id]


def test_login_that_comes_meanwhile_is_kept(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    unipile_id = at_unipile(sandbox)
    link = a_link(owner)
    decide = upkeep._is_replaced

    def decide_late(*args: Any) -> bool:
        handle_notice(notice(link, unipile_id))
        return decide(*args)

    monkeypatch.setattr(upkeep, "_is_replaced", decide_late)

    assert run_the_pass() == 0

    assert is_at_unipile(sandbox, unipile_id)
    assert UnipileAccount.objects.get(user=owner).status == "connected"


def test_unknown_accounts_are_counted_and_named(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [sandbox.add(linkedin_account()) for _ in range(24)]
    ids.append(sandbox.add(linkedin_account() | {"connection_params": None}))
    for provider in ("WHATSAPP", None):
        sandbox.add(linkedin_account() | {"type": provider})

    assert run_the_pass() == 25

    assert sum(each in caplog.text for each in ids) == 20
    assert deletes(sandbox) == []


def test_account_of_another_provider_is_never_deleted(owner: User, sandbox: Sandbox) -> None:
    left = at_unipile(sandbox)
    sandbox.add(sandbox.get(left) | {"type": "WHATSAPP"})
    used_link(owner, left)

    assert run_the_pass() == 0

    assert deletes(sandbox) == []


@pytest.mark.parametrize("options", [{"dry_run": True}, {"live": True}, {"upkeep": False}])
def test_other_passes_leave_it_alone(
    owner: User, sandbox: Sandbox, options: dict[str, bool]
) -> None:
    link = a_claim(owner, at_unipile(sandbox, "ACoAAB-member-two"))
    row = a_row(owner, sandbox, given_up_at=NOW(), status="disconnected")
    used_link(owner, at_unipile(sandbox))

    assert run_the_pass(**options) is None

    link.refresh_from_db()
    assert link.used_at is None
    assert deletes(sandbox) == []
    assert is_at_unipile(sandbox, row.unipile_account_id)


def test_list_that_breaks_off_deletes_nothing(owner: User, sandbox: Sandbox) -> None:
    a_claim(owner, at_unipile(sandbox))
    row = a_row(owner, sandbox, given_up_at=NOW(), status="disconnected")
    sandbox.inject(Fault(status=500), operation="list")

    assert run_the_pass() is None

    assert is_at_unipile(sandbox, row.unipile_account_id)
    assert not UnipileAccount.objects.filter(linkedin_id=M1, given_up_at=None).exists()


def test_pass_merges_two_rows_of_one_login(owner: User, sandbox: Sandbox) -> None:
    rows = [a_row(owner, sandbox, linkedin_id="") for _ in range(3)]

    assert run_the_pass() == 0

    [left] = UnipileAccount.objects.filter(user=owner)
    assert (left.linkedin_id, left.status) == (M1, "connected")
    merged = {row.unipile_account_id for row in rows} - {left.unipile_account_id}
    assert sorted(deletes(sandbox)) == sorted(merged)
