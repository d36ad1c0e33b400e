from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import User
from django.db import connections
from pytest_django import Settings

from tests.helpers import make_account
from unipile_accounts.exceptions import UnipileTimeout
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services import search_people
from unipile_accounts.services.searching.people import FoundPeople
from unipile_sandbox import Fault, Request, Sandbox

TOWNS = ["Exampletown, Sampleland", "Exampleville, Sampleland"]


def search(account: UnipileAccount) -> FoundPeople:
    accounts = UnipileAccount.objects.all()
    return search_people(accounts, account.pk, filters={"location": TOWNS}, limit=10)


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_linkedin_is_asked(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox)
    ours = connections["default"]
    held: list[tuple[bool, bool]] = []

    def look(request: Request) -> None:
        held.append((ours.connection is not None, ours.in_atomic_block))

    sandbox.on_answer = look
    search(account)

    assert held == [(False, False)] * 3


def test_names_and_search_share_one_deadline(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNIPILE_TIMEOUT = 0.5
    sandbox.inject(Fault(delay=0.3))
    started = time.monotonic()

    with pytest.raises(UnipileTimeout):
        search(account)

    assert time.monotonic() - started < 1.5
    assert not [request for request in sandbox.requests if request.method == "POST"]
