from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import LIST, found, text
from unipile_accounts import exceptions
from unipile_accounts.admin.filters import FailureFilter

ALL = {"never", "gone", "given up", "ahead", "premium", "navigator", "old"}


@pytest.fixture
def accounts(owner: User, stranger: User) -> None:
    now = timezone.now()
    make_account(owner, name="never", last_error="unipile_timeout")
    make_account(owner, name="gone", status="disconnected")
    make_account(stranger, name="given up", status="disconnected", given_up_at=now)
    make_account(owner, name="ahead", is_premium=True, refreshed_at=now + timedelta(days=1))
    make_account(
        owner,
        name="premium",
        is_premium=True,
        refreshed_at=now - timedelta(minutes=59),
        linkedin_id="ACoAAB1",
    )
    make_account(
        owner,
        name="navigator",
        is_premium=True,
        has_sales_navigator=True,
        refreshed_at=now - timedelta(days=6),
        linkedin_id="ACoAAB1",
    )
    make_account(
        owner,
        name="old",
        status="credentials_required",
        refreshed_at=now - timedelta(days=8),
        last_error="reconnect_required",
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "connected"}, {"premium", "navigator"}),
        ({"status": "unknown"}, {"never", "ahead"}),
        ({"status": "credentials_required"}, {"old"}),
        ({"status": "disconnected"}, {"gone", "given up"}),
        ({"status": "given_up"}, {"given up"}),
        ({"plan": "premium"}, {"premium", "navigator"}),
        ({"plan": "sales_navigator"}, {"navigator"}),
        ({"plan": "free"}, {"old"}),
        ({"plan": "unknown"}, {"never", "gone", "given up", "ahead"}),
        ({"refreshed": "never"}, {"never", "gone", "given up", "ahead"}),
        ({"refreshed": "hour"}, ALL - {"premium"}),
        ({"refreshed": "day"}, ALL - {"premium"}),
        ({"refreshed": "week"}, ALL - {"premium", "navigator"}),
        ({"refreshed": "nonsense"}, ALL),
        ({"refreshed": "day", "plan": "premium"}, {"navigator"}),
        ({"failed": "any"}, {"never", "old"}),
        ({"failed": "unipile_timeout"}, {"never"}),
        ({"failed": "nonsense"}, ALL),
        ({"member": "ACoAAB1"}, {"premium", "navigator"}),
        ({"owner": "nonsense"}, ALL),
    ],
)
@pytest.mark.usefixtures("accounts")
def test_list_can_be_filtered(admin: Client, query: dict[str, str], names: set[str]) -> None:
    assert {account.name for account in found(admin, **query)} == names
    assert admin.get(LIST, {**query, "_facets": "True"}).status_code == 200


@pytest.mark.usefixtures("accounts")
def test_filters_can_be_counted(admin: Client) -> None:
    assert "Never (4)" in text(admin.get(LIST, {"_facets": "True"}))


@pytest.mark.usefixtures("accounts")
def test_owners_accounts_are_a_filter(admin: Client, stranger: User) -> None:
    assert "By owner" not in text(admin.get(LIST))

    page = text(admin.get(LIST, {"owner": str(stranger.pk)}))

    assert "By owner" in page
    assert {account.name for account in found(admin, owner=str(stranger.pk))} == {"given up"}


def test_every_code_of_a_failure_is_a_filter() -> None:
    errors = [each for each in vars(exceptions).values() if isinstance(each, type)]
    codes = {each.code for each in errors if issubclass(each, exceptions.UnipileError)}

    # These end a run, or are not about a refresh; no row has them.
    assert codes - set(FailureFilter.CODES) <= {
        "unipile_authentication",
        "sales_navigator_unavailable",
    }
