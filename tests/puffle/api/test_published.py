"""What we publish is true: real answers fit the document, and a client made from it works."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from tests.helpers import make_account
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

# Generating the document and the client takes seconds, so one worker does it for all.
pytestmark = pytest.mark.xdist_group("test_published")

PASSWORD = "correct horse battery staple"
REFRESH = "/api/unipile/refresh"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("customer", password=PASSWORD)


def assert_published(document: dict[str, Any], response: Any, path: str) -> None:
    """Validate a whole body, in which nothing may be that the document does not name."""
    operation = document["paths"][path][response.request["REQUEST_METHOD"].lower()]
    content = operation["responses"][str(response.status_code)]["content"]
    schema = content[response["Content-Type"]]["schema"]
    components = {
        name: {"additionalProperties": False, **component}
        if component.get("type") == "object"
        else component
        for name, component in document["components"]["schemas"].items()
    }
    whole = {**schema, "components": {"schemas": components}}
    Draft202012Validator(whole).validate(response.json())


# --- Every operation's 200 ------------------------------------------------------------------------


OPERATIONS = [
    "POST /api/token",
    "POST /api/token/refresh",
    "POST /api/unipile/refresh",
    "GET /api/unipile/accounts",
    "DELETE /api/unipile/accounts",
    "POST /api/unipile/connect",
    "POST /api/unipile/reconnect",
    "POST /api/unipile/search",
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answer_of_each_operation_is_as_published(
    document: dict[str, Any],
    api: APIClient,
    owner: User,
    account: UnipileAccount,
    settings: Settings,
    operation: str,
) -> None:
    settings.PUBLIC_URL = "https://puffle.example"
    method, path = operation.split()
    own = {"accountId": str(account.pk)}
    bodies: dict[str, dict[str, Any]] = {
        "/api/token": {"username": "customer", "password": PASSWORD},
        "/api/token/refresh": {"refresh": str(RefreshToken.for_user(owner))},
        "/api/unipile/refresh": own,
        "/api/unipile/reconnect": own,
        "/api/unipile/search": {**own, "seniorityLevel": ["cxo"], "limit": 50},
    }
    query = f"?accountId={account.pk}" if method == "DELETE" else ""

    response = getattr(api, method.lower())(path + query, bodies.get(path), format="json")

    assert response.status_code == 200
    assert_published(document, response, path)


def test_example_of_a_search_finds_somebody(
    document: dict[str, Any], api: APIClient, account: UnipileAccount
) -> None:
    operation = document["paths"]["/api/unipile/search"]["post"]
    [example] = operation["requestBody"]["content"]["application/json"]["examples"].values()
    body = {**example["value"], "accountId": str(account.pk)}

    answer = api.post("/api/unipile/search", body, format="json").json()

    assert answer["items"]
    assert answer["ignored_filters"] == ["companyHeadcount"]


def test_candidates_are_as_published(
    document: dict[str, Any], api: APIClient, account: UnipileAccount
) -> None:
    body = {"accountId": str(account.pk), "location": ["Exampletown"]}

    response: Any = api.post("/api/unipile/search", body, format="json")

    assert response.json()["errors"][0]["candidates"]
    assert_published(document, response, "/api/unipile/search")


# --- A generated client ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(
    document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    program = Path(sys.executable).with_name("openapi-python-client")
    arguments = ["--path=openapi.yaml", "--output-path=puffle_client", "--meta=none"]
    # Its formatting is nobody's business.
    (folder / "config.yaml").write_text("post_hooks: []\n")
    done = subprocess.run(
        [program, "generate", "--config=config.yaml", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Warning" not in done.stdout, done.stdout
    sys.path.insert(0, str(folder))
    yield importlib.import_module("puffle_client")
    sys.path.remove(str(folder))


def call(name: str, client: Any, **body: Any) -> Any:
    """Call an operation of the client and return what it made of the answer."""
    function = importlib.import_module(f"puffle_client.api.{name}")
    [model] = [
        value
        for key, value in vars(function).items()
        if key.endswith("Request") and key[0].isupper()
    ]
    return function.sync(client=client, body=model.from_dict(body))


def test_generated_client_does_all_that_the_page_says(
    generated: Any, live_server: LiveServer, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)
    sandbox.update(account.unipile_account_id, premium_features=["premium"])
    options = {"base_url": live_server.url, "raise_on_unexpected_status": True}

    with generated.Client(**options) as anybody:
        pair = call("token.obtain_token", anybody, username="customer", password=PASSWORD)
        token = call("token.refresh_token", anybody, refresh=pair.refresh)
        refused = call("token.obtain_token", anybody, username="customer", password="guess")
    with generated.AuthenticatedClient(**options, token=token.access) as client:
        result = call("unipile.refresh_unipile_account", client, accountId=str(account.pk))
        error = call("unipile.refresh_unipile_account", client, accountId=str(uuid4()))
        body = {"accountId": str(account.pk), "function": ["Sales"], "limit": 5}
        page = call("unipile.search_unipile", client, **body)
        rest = call("unipile.search_unipile", client, **body, cursor=page.cursor)

    assert (result.is_premium, result.changed.is_premium) == (True, True)
    assert (result.weekly_connection_limit, result.weekly_message_limit) == (100, 150)
    assert (page.api, page.ignored_filters) == ("classic", ["function"])
    assert len({item.provider_id for item in page.items + rest.items}) == 10
    assert (error.type_, error.errors[0].code) == ("client_error", "not_found")
    assert (type(refused), refused.errors[0].code) == (type(error), "no_active_account")


@pytest.mark.parametrize("url", ["/api/schema", "/api/schema/"])
def test_served_document_is_that_of_the_repository(client: Client, url: str) -> None:
    served = yaml.safe_load(client.get(url).content)

    assert served == yaml.safe_load((Path(__file__).parents[3] / "openapi.yaml").read_text())
