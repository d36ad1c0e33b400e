from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.helpers import (
    free_accounts,
    make_account,
)
from tests.unipile_accounts.management.conftest import (
    Program,
    run,
)
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox


def test_rejected_key_ends_with_what_was_done(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=401), page=2)

    done = run("--json")

    assert done.status == done.summary["status"] == 2
    assert (done.summary["refreshed"], len(done.objects)) == (250, 251)
    assert done.err == (
        "CommandError: Unipile answered 401 errors/missing_credentials for the list of accounts."
        " Check UNIPILE_API_KEY and UNIPILE_DSN.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


@pytest.mark.parametrize("name", ["UNIPILE_DSN", "UNIPILE_API_KEY"])
def test_missing_settings_are_named(
    owner: User, sandbox: Sandbox, settings: Settings, name: str
) -> None:
    make_account(owner, sandbox)
    setattr(settings, name, "")

    done = run("--quiet", "--json")

    assert done.status == 2
    assert done.err.startswith(f"CommandError: {name} is not set. ")
    assert done.err.count("\n") == 1
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--status", "gone"], "invalid choice: 'gone'"),
        (["--account", "x"], "'x' is not a UUID"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--user", b"\xff"], r"'\udcff' is not text"),
    ],
)
def test_wrong_use_is_status_2_and_one_line(
    program: Program, options: list[Any], message: str
) -> None:
    done = program.run(*options)

    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"UNIPILE_DSN": ""}, "UNIPILE_DSN is not set."),
        ({"UNIPILE_TIMEOUT": "soon"}, "UNIPILE_TIMEOUT is not a number of seconds"),
        ({"DATABASE_URL": "sqlite:////nowhere/to/be.found"}, "The database cannot be used: "),
        ({"DATABASE_URL": "sqlite://:memory:"}, "no such table: unipile_accounts"),
        # With these Django itself cannot start.
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing."),
        ({"THROTTLE_REFRESH": "many"}, "THROTTLE_REFRESH must be"),
    ],
)
def test_wrong_deployment_is_status_2_in_one_line(
    owner: User, sandbox: Sandbox, program: Program, environment: dict[str, str], message: str
) -> None:
    make_account(owner, sandbox)

    done = program.run("--quiet", "--json", env=environment)

    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_crash_is_not_taken_for_failed_accounts(program: Program) -> None:
    done = program.run(env={"DJANGO_SETTINGS_MODULE": "nowhere"})

    assert done.status == 2
    assert done.err.endswith("ModuleNotFoundError: No module named 'nowhere'\n")
