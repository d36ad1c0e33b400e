from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import make_account
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox, linkedin_account

URL = "/api/unipile/refresh"


def refresh(api: APIClient, pk: object, **body: Any) -> Any:
    return api.post(URL, {"accountId": str(pk), **body}, format="json")


def post(api: APIClient, body: Any, content_type: str = "application/json") -> Any:
    return api.generic("POST", URL, body, content_type=content_type)


def set_rates(settings: Settings, **rates: str) -> None:
    """Set limits of our own, by their scope."""
    all_rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], **rates}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": all_rates}


@pytest.fixture
def outdated(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """A row in which nothing is as Unipile says, so that every write shows."""
    return make_account(
        owner,
        sandbox,
        payload=linkedin_account(name="New name", public_identifier="new"),
        name="Old name",
        profile_url="https://www.linkedin.com/in/old",
        is_premium=True,
        has_sales_navigator=True,
        weekly_connection_limit=7,
        weekly_message_limit=9,
    )
