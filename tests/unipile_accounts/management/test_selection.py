from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.helpers import make_account
from tests.unipile_accounts.management.conftest import run
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def accounts(owner: User, stranger: User, sandbox: Sandbox) -> dict[str, UnipileAccount]:
    now = timezone.now()
    return {
        "new": make_account(owner, sandbox),
        "fresh": make_account(owner, sandbox, answered_at=now - timedelta(hours=1)),
        "old": make_account(owner, sandbox, answered_at=now - timedelta(hours=25)),
        "gone": make_account(owner, sandbox, status="disconnected"),
        "left": make_account(owner, sandbox, status="disconnected", given_up_at=now),
        "ahead": make_account(
            stranger, sandbox, answered_at=now + timedelta(days=1), last_error="unipile_timeout"
        ),
        "other": make_account(stranger, sandbox, answered_at=now - timedelta(days=8)),
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "new fresh old gone other ahead"),
        (["--user", "owner"], "new fresh old gone"),
        (["--status", "disconnected"], "gone left"),
        (["--older-than", "24h"], "new old gone other ahead"),
        (["--account", "{fresh}", "--account", "{left}"], "fresh left"),
        (["--user", "stranger", "--older-than", "24h", "--failed"], "ahead"),
    ],
)
def test_options_choose_the_accounts(
    accounts: dict[str, UnipileAccount], options: list[str], expected: str
) -> None:
    ids = {name: str(account.pk) for name, account in accounts.items()}

    done = run("--json", *(option.format(**ids) for option in options))

    assert done.status == 0
    assert done.outcomes == {
        ids[name]: "skipped" if name == "left" else "refreshed" for name in expected.split()
    }


def test_user_is_found_as_django_normalises_names(stranger: User, sandbox: Sandbox) -> None:
    account = make_account(User.objects.create_user("zo\u00eb"), sandbox)
    make_account(stranger, sandbox)

    # A Mac pastes the letter and its dots apart.
    assert list(run("--json", "--user", "zoe\u0308").outcomes) == [str(account.pk)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user", "nobody"], "there is no user 'nobody'"),
        (["--account", "k3Vd9QmTRxS1aLw0ZbYc7A"], "invalid UUID value: 'k3Vd9QmTRxS1aLw0ZbYc7A'"),
        (["--account", UNKNOWN], f"{UNKNOWN} does not exist"),
        (
            ["--account", "{other}", "--user", "owner"],
            "{other} does not exist, or another option excludes it",
        ),
        (["--older-than", "999999d"], "'999999d' is not a duration"),
    ],
)
def test_wrong_use_is_one_line_and_asks_nobody(
    accounts: dict[str, UnipileAccount], sandbox: Sandbox, options: list[str], message: str
) -> None:
    ids = {name: str(account.pk) for name, account in accounts.items()}

    done = run("--json", *(option.format(**ids) for option in options))

    assert done.status
    assert message.format(**ids) in done.err
    assert (done.out, done.err.count("\n")) == ("", 1)
    assert sandbox.request_count == 0
