from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import LIST, found, text
from unipile_accounts.models import UnipileAccount


@pytest.fixture
def accounts(owner: User, stranger: User) -> None:
    now = timezone.now()

    def read(age: timedelta) -> dict[str, Any]:
        return {"answered_at": now - age, "refreshed_at": now - age}

    sales_navigator: dict[str, Any] = {"is_premium": True, "has_sales_navigator": True}
    out: dict[str, Any] = {"status": "credentials_required", "last_error": "reconnect_required"}
    disconnected: dict[str, Any] = {"status": "disconnected", "answered_at": now}
    make_account(owner, name="new", last_error="unipile_timeout")
    make_account(owner, name="gone", **disconnected)
    make_account(stranger, name="given up", given_up_at=now, **disconnected)
    make_account(owner, name="premium", is_premium=True, **read(timedelta(minutes=59)))
    make_account(owner, name="navigator", **sales_navigator, **read(timedelta(days=6)))
    make_account(owner, name="free", **read(timedelta(days=8)))
    # The login was lost before the plan was known.
    make_account(owner, name="logged out", answered_at=now, **out)
    make_account(owner, name="ahead", **read(-timedelta(days=1)))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "connected"}, {"premium", "navigator", "free", "ahead"}),
        ({"status": "unknown"}, {"new"}),
        ({"status": "credentials_required"}, {"logged out"}),
        ({"status": "disconnected"}, {"gone"}),
        ({"status": "given_up"}, {"given up"}),
        ({"plan": "premium"}, {"premium"}),
        ({"plan": "sales_navigator"}, {"navigator"}),
        ({"plan": "free"}, {"free", "ahead"}),
        ({"plan": "unknown"}, {"new", "gone", "given up", "logged out"}),
        ({"refreshed": "never"}, {"new", "gone", "given up", "logged out"}),
        ({"refreshed": "hour"}, {"new", "navigator", "free", "ahead"}),
        ({"refreshed": "week"}, {"new", "free", "ahead"}),
        ({"failed": "any"}, {"new", "logged out"}),
        ({"failed": "unipile_timeout"}, {"new"}),
        ({"failed": "nonsense", "refreshed": "week", "plan": "free"}, {"free", "ahead"}),
    ],
)
@pytest.mark.usefixtures("accounts")
def test_list_can_be_filtered(admin: Client, query: dict[str, str], names: set[str]) -> None:
    assert {account.name for account in found(admin, **query)} == names
    assert admin.get(LIST, {**query, "_facets": "True"}).status_code == 200


def test_failures_are_filters_in_the_reports_words(admin: Client, account: UnipileAccount) -> None:
    assert '?failed=unipile_timeout">Unipile did not answer in time.</a>' in text(admin.get(LIST))
