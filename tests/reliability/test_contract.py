"""Requests made up by schemathesis from the served OpenAPI document, answered as it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.contrib.auth.models import User
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import OperationalError
from django.test import override_settings
from hypothesis import given
from pytest_django import DjangoDbBlocker, Settings
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis import GenerationMode
from schemathesis.checks import (
    negative_data_rejection,
    not_a_server_error,
    positive_data_acceptance,
)
from schemathesis.core.parameters import ParameterLocation

from tests.helpers import make_account
from tests.reliability.conftest import examples
from tests.reliability.faults import CASES
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

DOCUMENT = Path(__file__).parents[2] / "openapi.yaml"
OPERATIONS = [
    (path, method.upper())
    for path, methods in yaml.safe_load(DOCUMENT.read_text())["paths"].items()
    for method in methods
]
SCOPES = ["refresh", "live", "search", "connect", "token"]

# Reading the document takes seconds, so one worker does it for all.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("test_contract"),
]


@pytest.fixture(scope="module")
def schema(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Any:
    # Django looks after the connection that a test before has left.
    with override_settings(ALLOWED_HOSTS=["localhost"]), django_db_blocker.unblock():
        return schemathesis.openapi.from_wsgi("/api/schema", get_internal_wsgi_application())


@pytest.fixture
def accounts(owner: User, stranger: User, sandbox: Sandbox) -> list[UnipileAccount]:
    return [
        make_account(owner, sandbox),
        make_account(owner, sandbox, status="disconnected"),
        make_account(owner),
        make_account(stranger, sandbox),
    ]


@pytest.fixture(autouse=True)
def _in_a_hurry(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.UNIPILE_TIMEOUT = 0.1
    settings.PUBLIC_URL = "https://puffle.example"
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(SCOPES, "9999/min"),
    }
    monkeypatch.setattr("random.uniform", lambda low, high: 0)


def token(owner: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.for_user(owner)}"}


def answer(case: Any, headers: dict[str, str]) -> Any:
    """Send the request and hold the answer against the document.

    A documented 5xx is fine, and so is a 400 for text that holds NUL: a schema cannot forbid it.
    So is a number where a text is wanted, or a text that reads like a number.
    """
    case.headers.pop("Authorization", None)
    response = case.call(headers=headers)
    excluded = [not_a_server_error, positive_data_acceptance, negative_data_rejection]
    case.validate_response(response, headers=headers, excluded_checks=excluded)
    return response


@pytest.mark.slow
@pytest.mark.parametrize("logged_in", [True, False])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_any_request_is_answered_as_documented(
    schema: Any,
    accounts: list[UnipileAccount],
    owner: User,
    path: str,
    method: str,
    logged_in: bool,
) -> None:
    headers = token(owner) if logged_in else {}
    operation = schema[path][method]
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    # The login is ours, so that a request is wrong by its body or query, if it takes any.
    wrong = wrong.filter(lambda case: not case.meta.is_negative_at(ParameterLocation.HEADER))

    @given(case=right | wrong if operation.body or operation.query else right)
    @examples(40 if logged_in else 10)
    def try_one(case: Any) -> None:
        response = answer(case, headers)
        if not logged_in and path.startswith("/api/unipile/"):
            assert response.status_code in (401, 406)

    try_one()


def test_every_outcome_of_a_refresh_is_documented(
    schema: Any,
    accounts: list[UnipileAccount],
    owner: User,
    sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = token(owner)
    operation = schema["/api/unipile/refresh"]["POST"]

    def refresh(account: UnipileAccount) -> int:
        body = {"accountId": str(account.pk)}
        case = operation.Case(body=body, media_type="application/json")
        return int(answer(case, headers).status_code)

    statuses = {refresh(account) for account in accounts}
    for fault, *_ in CASES.values():
        sandbox.inject(fault)
        statuses.add(refresh(accounts[0]))
        sandbox.clear_faults()
        UnipileAccount.objects.update(status="connected")
    with monkeypatch.context() as patch:
        patch.setattr("unipile_accounts.api.refresh.refresh_account", _no_database)
        statuses.add(refresh(accounts[0]))
    settings.UNIPILE_API_KEY = ""
    statuses.add(refresh(accounts[0]))
    rates = dict.fromkeys(SCOPES, "1/day")
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    statuses |= {refresh(accounts[0]) for _ in range(2)}

    assert statuses == {200, 404, 409, 429, 502, 503, 504}


def _no_database(*_: object, **__: object) -> None:
    raise OperationalError("gone")
