"""Unipile's list, which shifts while it is read and holds what is nobody's."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest
from django.contrib.auth.models import User

from tests.helpers import free_accounts, outcomes
from tests.unipile_accounts.services.refreshing.conftest import asked_for, is_list, refresh_all
from unipile_accounts.models import UnipileAccount
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account


def test_list_is_read_no_further_than_needed(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 600)
    first = UnipileAccount.objects.filter(pk__in=[account.pk for account in accounts[:100]])

    assert outcomes(refresh_all(accounts=first)) == {"refreshed": 100}
    # The next page is asked for while one is stored.
    assert asked_for(sandbox) == (2, [])


def test_next_page_is_asked_for_meanwhile(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    asked = threading.Event()
    was_asked: list[bool] = []

    def look(request: Request) -> None:
        if "cursor" in request.path:
            asked.set()

    def wait_for_the_question(**_: object) -> None:
        account_refreshed.disconnect(wait_for_the_question)
        was_asked.append(asked.wait(10))

    sandbox.on_answer = look
    account_refreshed.connect(wait_for_the_question, weak=False)
    results = refresh_all()

    # The first page was not finished with.
    assert was_asked == [True]
    assert outcomes(results) == {"refreshed": 300}
    assert asked_for(sandbox) == (2, [])


def test_accounts_that_shift_are_reported_once(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 600)
    first = accounts[0].unipile_account_id
    payload = sandbox.get(first)

    def shift(request: Request) -> None:
        """Move the first account to the end, so that each page that follows misses one."""
        if is_list(request):
            sandbox.remove(first)
            sandbox.add(payload)

    sandbox.on_answer = shift
    results = refresh_all()

    assert Counter(result.account.pk for result in results) == {a.pk: 1 for a in accounts}
    assert outcomes(results) == {"refreshed": 600}
    # The 251st moved to the place of the 250th when the first page was out.
    assert asked_for(sandbox) == (3, [accounts[250].unipile_account_id])


@pytest.mark.parametrize("dry_run", [False, True])
def test_account_that_comes_again_is_reported_once(
    owner: User, sandbox: Sandbox, dry_run: bool
) -> None:
    accounts = free_accounts(owner, sandbox, 260)
    sandbox.update(accounts[247].unipile_account_id, type="WHATSAPP")
    extra = [linkedin_account() for _ in range(5)]

    def add_at_the_start(request: Request) -> None:
        sandbox.on_answer = None
        payloads = [sandbox.get(account.unipile_account_id) for account in accounts]
        for payload in payloads:
            sandbox.remove(payload["id"])
        sandbox.load([*extra, *payloads])

    sandbox.on_answer = add_at_the_start
    results = refresh_all(dry_run=dry_run)

    assert Counter(result.account.pk for result in results) == {a.pk: 1 for a in accounts}


def test_items_that_are_nobodys_are_passed_over(owner: User, sandbox: Sandbox) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    nobodys = [
        None,
        {"id": 7},
        {"object": "Account", "id": "NUL\0", "type": "LINKEDIN"},
        linkedin_account("other-provider") | {"type": "MAIL"},
    ]
    items = [*nobodys, *(sandbox.get(account.unipile_account_id) for account in accounts)]
    body = json.dumps({"object": "AccountList", "items": items, "cursor": None})
    sandbox.inject(Fault(body=body.encode()), page=1)

    assert outcomes(refresh_all()) == {"refreshed": 30}


def test_cursors_that_go_in_a_circle_end(owner: User, sandbox: Sandbox) -> None:
    unlisted, *listed = free_accounts(owner, sandbox, 30)
    sandbox.remove(unlisted.unipile_account_id)
    items = [sandbox.get(account.unipile_account_id) for account in listed]
    for cursor in ("b", "a", "b"):
        body = json.dumps({"object": "AccountList", "items": items, "cursor": cursor})
        sandbox.inject(Fault(status=200, body=body.encode()), times=1)

    assert outcomes(refresh_all()) == {"refreshed": 29, "reconnect_required": 1}
    assert asked_for(sandbox)[0] == 3


def test_empty_page_ends_the_list(owner: User, sandbox: Sandbox) -> None:
    unlisted, *_ = free_accounts(owner, sandbox, 30)
    sandbox.remove(unlisted.unipile_account_id)
    sandbox.listing.endless = True

    assert outcomes(refresh_all()) == {"refreshed": 29, "reconnect_required": 1}
    assert asked_for(sandbox) == (2, [unlisted.unipile_account_id])
