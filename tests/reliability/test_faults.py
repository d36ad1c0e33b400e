"""Every fault of Unipile's, through every door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import api_client, make_account, stored
from unipile_accounts.exceptions import UnipileError
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_accounts.services.refreshing import patience
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Sandbox, linkedin_account

MIB = 1024 * 1024
GONE = {"status": "disconnected"}
LOGGED_OUT = {"status": "credentials_required"}
HTML = b"<html>Bad gateway</html>"


class Case(NamedTuple):
    """A fault, the code that it leads to (None: refreshed), and what it proves of the account."""

    fault: Fault
    code: str | None
    proves: dict[str, str] = {}
    # Seconds that Unipile has; few where the fault is that it takes longer.
    timeout: str = "15"


def _error(status: int, error_type: str | None = None, **fields: Any) -> Fault:
    return Fault(status=status, error_type=error_type, **fields)


CASES = {
    "400": Case(_error(400), "unipile_error"),
    "401 our key": Case(_error(401), "unipile_authentication"),
    "401 unknown": Case(_error(401, "errors/new"), "unipile_error"),
    "401 sessions": Case(_error(401, "errors/multiple_sessions"), "account_unavailable"),
    "401 html": Case(_error(401, body=HTML), "unipile_authentication"),
    "401 expired": Case(
        _error(401, "errors/expired_credentials"), "reconnect_required", LOGGED_OUT
    ),
    "403": Case(_error(403, body=b"{}"), "unipile_authentication"),
    "404 gone": Case(_error(404, "errors/resource_not_found"), "reconnect_required", GONE),
    "404 other": Case(_error(404, "errors/invalid_resource_identifier"), "unipile_error"),
    "404 html": Case(_error(404, body=HTML), "unipile_error"),
    "408": Case(_error(408), "unipile_error"),
    "410": Case(_error(410), "unipile_error"),
    "422": Case(_error(422), "unipile_error"),
    "429": Case(_error(429), "unipile_rate_limited"),
    "429 wait": Case(_error(429, headers={"Retry-After": "7"}), "unipile_rate_limited"),
    "500": Case(_error(500), "unipile_error"),
    "502 html": Case(_error(502, body=HTML), "unipile_error"),
    "503": Case(_error(503), "unipile_unavailable"),
    "503 wait": Case(_error(503, headers={"Retry-After": "7"}), "unipile_unavailable"),
    "504": Case(_error(504), "unipile_error"),
    "999": Case(_error(999), "unipile_error"),
    **{
        str(status): Case(
            _error(status, headers={"Location": "http://127.0.0.1:1/"}), "unipile_error"
        )
        for status in (301, 307)
    },
    "204": Case(Fault(status=204, body=b""), "unipile_error"),
    "304": Case(Fault(status=304, body=b""), "unipile_error"),
    "nothing": Case(Fault(body=b""), "unipile_error"),
    "html": Case(Fault(body=HTML), "unipile_error"),
    "null": Case(Fault(body=b"null"), "unipile_error"),
    "list": Case(Fault(body=b"[]"), "unipile_error"),
    "number": Case(Fault(body=b"1e999"), "unipile_error"),
    "long number": Case(Fault(body=b"9" * 10_000), "unipile_error"),
    "nested": Case(Fault(body=b"[" * 100_000), "unipile_error"),
    "not UTF-8": Case(Fault(body=b'{"object":"Account\xff"}'), "unipile_error"),
    "other object": Case(Fault(body=b'{"object":"AccountView"}'), "unipile_error"),
    "half, end of connection": Case(Fault(cut=40, framing="close"), "unipile_error"),
    "half, of length": Case(Fault(cut=40), "unipile_unavailable"),
    "half, of chunks": Case(Fault(cut=40, framing="chunked"), "unipile_unavailable"),
    "hung up": Case(Fault(close=True), "unipile_unavailable"),
    "reset": Case(Fault(reset=True), "unipile_unavailable"),
    "silent": Case(Fault(silent=True), "unipile_timeout", timeout="0.15"),
    "arrays": Case(Fault(arrays=17 * MIB), "unipile_error"),
    "no gzip": Case(Fault(headers={"Content-Encoding": "gzip"}), "unipile_error"),
    "gzip bomb": Case(Fault(gzip=True, padding=17 * MIB), "unipile_error"),
    "endless": Case(Fault(padding=17 * MIB), "unipile_error"),
    "late": Case(Fault(delay=1), "unipile_timeout", timeout="0.15"),
    "late error": Case(Fault(delay=1, status=404), "unipile_timeout", timeout="0.15"),
    "dripping head": Case(Fault(drip_headers=0.05), "unipile_timeout", timeout="0.15"),
    "dripping body": Case(Fault(drip_body=0.05), "unipile_timeout", timeout="0.15"),
    "dripping chunks": Case(
        Fault(drip_body=0.05, framing="chunked"), "unipile_timeout", timeout="0.15"
    ),
    # What is odd, but a whole answer.
    "chunks": Case(Fault(framing="chunked"), None),
    "until the end": Case(Fault(framing="close"), None),
    "gzip": Case(Fault(gzip=True), None),
    "blanks": Case(Fault(padding=MIB), None),
    "slow": Case(Fault(delay=0.05), None),
    "201": Case(Fault(status=201), None),
    "early hints": Case(Fault(early_hints=2), None),
    "odd headers": Case(Fault(headers={"X": "\xff" * 100, "Set-Cookie": "a=b"}), None),
}
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
    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 0.001)
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
        is_premium=True,
        has_sales_navigator=True,
        weekly_connection_limit=100,
        weekly_message_limit=150,
    )


# --- Doors: each returns whether it says that all went well ---------------------------------------


def through_api(account: UnipileAccount) -> bool:
    api = api_client(account.user)
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    assert response.status_code in (200, 409, 502, 503, 504)
    return bool(response.status_code == 200)


def through_service(account: UnipileAccount) -> bool:
    try:
        return refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API).stored
    except UnipileError:
        return False


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
    make_account(account.user)
    return _command_succeeds()


def _command_succeeds(**options: Any) -> bool:
    try:
        call_command("refresh_unipile_accounts", **options)
    except CommandError:
        return False
    return True


SINGLE_DOORS = [through_api, through_service]
DOORS = [*SINGLE_DOORS, through_admin, through_command, through_list]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_fault_has_its_outcome_writes_nothing_wrong_and_ends_with_its_cause(
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
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
    caplog.set_level(logging.INFO)
    settings.UNIPILE_TIMEOUT = case.timeout
    if case.proves and not is_list:
        # Another account shows that the workspace is ours.
        make_account(account.user, sandbox)
        sandbox.inject(case.fault, account_id=account.unipile_account_id)
    else:
        sandbox.inject(case.fault)

    went_well = door(account)

    account_refreshed.disconnect(receive)
    after = stored(account)
    if code is None:
        # The second account of the list is not at Unipile.
        assert went_well is not is_list
        assert (after["is_premium"], after["name"]) == (False, "New name")
    else:
        assert not went_well
        moments = {key: after[key] for key in ("refreshed_at", "updated_at") if proves}
        assert after == before | proves | moments
        assert len(sent) == bool(proves)
        if door in (through_command, through_list):
            # The command tells people what the other doors tell the log.
            printed = capsys.readouterr().err
            shared = "2 accounts were not refreshed: "
            told = f"account {account.pk} (Old name): " in printed or shared in printed
        else:
            told = _codes_logged(caplog, account) == [code]
        # A bulk run that our key stops ends before any account.
        is_our_key = code == "unipile_authentication"
        assert told or (is_our_key and door not in SINGLE_DOORS)
        assert is_our_key or all(record.levelno < logging.ERROR for record in caplog.records)

    sandbox.clear_faults()
    settings.UNIPILE_TIMEOUT = "15"
    UnipileAccount.objects.filter(pk=account.pk).update(status="connected")
    assert through_api(account)
    assert stored(account)["name"] == "New name"


def _codes_logged(caplog: pytest.LogCaptureFixture, account: UnipileAccount) -> list[str]:
    return [
        record.code  # type: ignore[attr-defined]
        for record in caplog.records
        if getattr(record, "account", None) == str(account.pk)
    ]


def test_faults_of_the_table_are_all_that_can_be_injected() -> None:
    used = {field for case in CASES.values() for field in vars(case.fault)}
    set_somewhere = {
        field
        for field in used
        if any(getattr(case.fault, field) != getattr(Fault(), field) for case in CASES.values())
    }

    assert set_somewhere == set(Fault.__dataclass_fields__)


def test_key_of_another_workspace_disconnects_nobody(
    api: APIClient, owner: User, sandbox: Sandbox
) -> None:
    accounts = [make_account(owner) for _ in range(30)]

    with pytest.raises(CommandError):
        call_command("refresh_unipile_accounts")

    assert {stored(account)["status"] for account in accounts} == {"connected"}
