"""Every fault of Unipile's, through every door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.helpers import api_client, make_account, stored
from tests.reliability.faults import CASES
from unipile_accounts.limits import SALES_NAVIGATOR
from unipile_accounts.models import UnipileAccount
from unipile_accounts.services.refreshing import patience
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Sandbox, linkedin_account

# The list proves nothing of one account, whatever it answers.
LIST_CODES = {
    "401 expired": "unipile_authentication",
    "401 sessions": "unipile_authentication",
    "401 unknown": "unipile_authentication",
    "404 gone": "unipile_error",
}


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait between tries, but not for as long as in production."""
    monkeypatch.setattr(patience, "TRIES", 2)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr("random.uniform", lambda low, high: low / 100)


@pytest.fixture
def account(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """A row in which nothing is as Unipile says, so that every write shows."""
    return make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="New name"),
        name="Old name",
        **SALES_NAVIGATOR.columns,
    )


# --- Doors, each of which says whether all went well ----------------------------------------------


def through_api(account: UnipileAccount) -> bool:
    api = api_client(account.user)
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    assert response.status_code in (200, 409, 502, 503, 504)
    return bool(response.status_code == 200)


def through_admin(account: UnipileAccount) -> bool:
    browser = Client()
    browser.force_login(User.objects.create_superuser("staff"))
    response = browser.post(
        reverse("admin:unipile_accounts_unipileaccount_changelist"),
        {"action": "refresh_from_unipile", "_selected_action": [str(account.pk)]},
    )
    assert response.status_code == 302
    [message] = get_messages(response.wsgi_request)
    return bool(message.level_tag in ("success", "info"))


def through_command(account: UnipileAccount) -> bool:
    return _command_succeeds(account=[str(account.pk)])


def through_list(account: UnipileAccount) -> bool:
    """Refresh all, of which there are more than would be asked for one by one."""
    return _command_succeeds()


def _command_succeeds(**options: Any) -> bool:
    try:
        call_command("refresh_unipile_accounts", **options)
    except CommandError:
        return False
    return True


DOORS = [through_api, through_admin, through_command, through_list]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_every_fault_has_its_documented_outcome(
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    name: str,
    door: Callable[[UnipileAccount], bool],
) -> None:
    case = CASES[name]
    is_list = door is through_list
    code = LIST_CODES.get(name, case.code) if is_list else case.code
    proves = {} if is_list else case.proves
    before = stored(account)
    sent: list[Any] = []
    receive = lambda **signal: sent.append(signal)  # noqa: E731
    account_refreshed.connect(receive)
    settings.UNIPILE_TIMEOUT = case.timeout
    # Another account shows that the workspace is ours.
    make_account(account.user, sandbox)
    sandbox.inject(case.fault, account_id=None if is_list else account.unipile_account_id)

    went_well = door(account)

    account_refreshed.disconnect(receive)
    after = stored(account)
    if code is None:
        assert went_well
        assert (after["is_premium"], after["name"]) == (False, "New name")
    else:
        assert not went_well
        written = ("answered_at", "version", "updated_at")
        moments = {key: after[key] for key in written if proves}
        assert after == before | proves | moments
        assert len(sent) == bool(proves)
        is_our_key = code == "unipile_authentication"
        assert is_our_key or all(record.levelno < logging.ERROR for record in caplog.records)
        # A pass that our key stops ends before any account.
        account.refresh_from_db()
        assert account.last_error == ("" if is_our_key and door is not through_api else code)

    sandbox.clear_faults()
    settings.UNIPILE_TIMEOUT = 15
    UnipileAccount.objects.filter(pk=account.pk).update(status="connected")
    assert through_api(account)
    assert stored(account)["name"] == "New name"
