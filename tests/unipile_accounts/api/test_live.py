from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from rest_framework.test import APIClient

from tests.helpers import Statements, api_client, error_of, make_account, set_rates, stored
from tests.unipile_accounts.api.conftest import post, refresh
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Request, Sandbox


@pytest.fixture
def upgraded(account: UnipileAccount, sandbox: Sandbox) -> UnipileAccount:
    """A free account in the copy, which has Sales Navigator at LinkedIn."""
    sandbox.set_plan(account.unipile_account_id, premium=True, sales_navigator=True)
    return account


@pytest.fixture
def twice_an_hour() -> None:
    set_rates(live="2/hour")


def test_live_refresh_tells_the_upgrade_once(api: APIClient, upgraded: UnipileAccount) -> None:
    ordinary = refresh(api, upgraded.pk, live=False).json()
    first = refresh(api, upgraded.pk, live=True).json()
    second = refresh(api, upgraded.pk, live=True).json()

    assert ordinary["changed"] == {"is_premium": False, "has_sales_navigator": False}
    assert first == {
        "success": True,
        "is_premium": True,
        "has_sales_navigator": True,
        "weekly_connection_limit": 100,
        "weekly_message_limit": 150,
        "changed": {"is_premium": True, "has_sales_navigator": True},
    }
    assert second == {**first, "changed": ordinary["changed"]}
    assert refresh(api, upgraded.pk).json() == second


@pytest.mark.parametrize("live", ["maybe", None])
def test_live_is_a_boolean(
    api: APIClient, upgraded: UnipileAccount, sandbox: Sandbox, live: Any
) -> None:
    error = error_of(refresh(api, upgraded.pk, live=live), 400)

    assert (error["attr"], error["code"]) == ("live", "null" if live is None else "invalid")
    assert sandbox.request_count == 0


def test_flags_stay_when_linkedin_tells_nothing(
    api: APIClient, upgraded: UnipileAccount, sandbox: Sandbox
) -> None:
    refresh(api, upgraded.pk, live=True)
    plan = {"premium": False, "sales_navigator": "DISCONNECTED", "recruiter": "DISCONNECTED"}
    sandbox.set_plan(upgraded.unipile_account_id, **plan)
    before = stored(upgraded)

    error = error_of(refresh(api, upgraded.pk, live=True), 409)

    assert error["code"] == "account_unavailable"
    assert "LinkedIn does not tell" in error["detail"]
    assert stored(upgraded) == before


@pytest.mark.django_db(transaction=True)
def test_live_answer_that_comes_late_is_asked_again(
    api: APIClient, upgraded: UnipileAccount, sandbox: Sandbox
) -> None:
    refresh(api, upgraded.pk)

    def overtake(request: Request) -> None:
        if "users/me" in request.path:
            sandbox.on_answer = None
            refresh_account(UnipileAccount.objects.all(), upgraded.pk, door=Door.COMMAND)
            connections.close_all()

    sandbox.on_answer = overtake
    answer = refresh(api, upgraded.pk, live=True).json()

    assert answer["has_sales_navigator"]
    assert stored(upgraded)["live_checked_at"]


# --- Its own limit --------------------------------------------------------------------------------


@pytest.mark.usefixtures("twice_an_hour")
def test_live_requests_have_their_own_limit(
    api: APIClient, upgraded: UnipileAccount, sandbox: Sandbox, stranger: User
) -> None:
    assert [refresh(api, upgraded.pk, live=True).status_code for _ in range(2)] == [200, 200]
    before, requests = stored(upgraded), sandbox.request_count

    response = refresh(api, upgraded.pk, live=True)

    assert error_of(response, 429)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 3600
    assert (stored(upgraded), sandbox.request_count) == (before, requests)
    assert refresh(api, upgraded.pk).status_code == 200
    others = make_account(stranger, sandbox)
    assert refresh(api_client(stranger), others.pk, live=True).status_code == 200


@pytest.mark.usefixtures("twice_an_hour")
def test_every_spelling_of_live_is_counted(api: APIClient, upgraded: UnipileAccount) -> None:
    for body in ({}, {"live": False}, {"live": 0}):
        refresh(api, upgraded.pk, **body)
    post(api, '[{"live": true}]')

    statuses = [refresh(api, upgraded.pk, live=live).status_code for live in (1, "yes", True)]

    assert statuses == [200, 200, 429]


def test_live_requests_count_among_all_refreshes(api: APIClient, upgraded: UnipileAccount) -> None:
    set_rates(refresh="1/hour")
    refresh(api, upgraded.pk, live=True)

    assert refresh(api, upgraded.pk).status_code == 429


def test_live_refresh_costs_one_statement_more(
    api: APIClient, upgraded: UnipileAccount, sandbox: Sandbox, statements: Statements
) -> None:
    refresh(api, upgraded.pk, live=True)

    with statements() as ordinary:
        refresh(api, upgraded.pk)
    with statements() as live:
        refresh(api, upgraded.pk, live=True)

    assert len(ordinary) == 3, ordinary
    # The time of the live answer is asked for besides.
    assert len(live) == 4, live
    assert sandbox.request_count == 2 + 1 + 2
