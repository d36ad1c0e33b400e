from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

REFRESH = "/api/unipile/refresh"
PATTERN = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))


@pytest.fixture(scope="module")
def operation(schema: dict[str, Any]) -> dict[str, Any]:
    return dict(schema["paths"][REFRESH]["post"])


def resolve(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def test_schema_is_valid_openapi_3(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.")
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_request_is_that_of_the_public_page(
    schema: dict[str, Any], operation: dict[str, Any]
) -> None:
    body = resolve(schema, operation["requestBody"]["content"]["application/json"]["schema"])

    assert operation["requestBody"]["required"] is True
    assert body["required"] == ["accountId"]
    assert list(body["properties"]) == ["accountId", "live"]
    field = body["properties"]["accountId"]
    assert (field["type"], field["format"], field["pattern"]) == ("string", "uuid", PATTERN)
    assert body["properties"]["live"]["type"] == "boolean"


def test_no_default_makes_a_field_mandatory(schema: dict[str, Any]) -> None:
    # openapi-typescript takes a field with a default for one that is always there.
    components = schema["components"]["schemas"].values()
    fields = [field for each in components for field in each.get("properties", {}).values()]

    assert len(fields) > 30
    assert [field for field in fields if "default" in field] == []


def test_answer_is_that_of_the_public_page(
    schema: dict[str, Any], operation: dict[str, Any]
) -> None:
    body = resolve(schema, operation["responses"]["200"]["content"]["application/json"]["schema"])
    fields = body["properties"]

    assert list(fields) == [
        "success",
        "is_premium",
        "has_sales_navigator",
        "weekly_connection_limit",
        "weekly_message_limit",
        "changed",
    ]
    assert sorted(body["required"]) == sorted(fields)
    [success] = fields["success"]["allOf"]
    assert resolve(schema, success) == {"enum": [True], "type": "boolean"}
    for name in ("weekly_connection_limit", "weekly_message_limit"):
        assert fields[name]["type"] == "integer"
        assert (fields[name]["minimum"], fields[name]["maximum"]) == (1, 2**53 - 1)
    changed = resolve(schema, fields["changed"].get("allOf", [fields["changed"]])[0])
    assert {name: field["type"] for name, field in changed["properties"].items()} == {
        "is_premium": "boolean",
        "has_sales_navigator": "boolean",
    }


def codes_of(operation: dict[str, Any], status: str) -> list[str]:
    [content] = operation["responses"][status]["content"].values()
    return list(content["schema"]["properties"]["errors"]["items"]["properties"]["code"]["enum"])


def test_every_code_of_a_refresh_is_named(operation: dict[str, Any]) -> None:
    login = "not_authenticated token_not_valid user_not_found user_inactive password_changed"
    later = "unipile_rate_limited unipile_unavailable unipile_not_configured"

    codes = {
        status: " ".join(codes_of(operation, status))
        for status in operation["responses"]
        if status != "200"
    }

    assert codes == {
        "400": "unknown_field invalid null required unipile_id parse_error",
        "401": f"{login} bad_authorization_header",
        "404": "not_found",
        "406": "not_acceptable",
        "409": "reconnect_required account_unavailable not_linkedin",
        "413": "request_too_large",
        "415": "unsupported_media_type",
        "429": "throttled",
        "502": "unipile_error unipile_authentication unipile_account_not_listed",
        "503": f"{later} premium_status_pending database_unavailable",
        "504": "unipile_timeout",
    }


def test_every_error_is_one_component_with_a_sample(schema: dict[str, Any]) -> None:
    for item in schema["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                content = response["content"]["application/json"]
                is_error = content["schema"]["$ref"] == "#/components/schemas/Error"
                assert is_error is (status >= "400")
                if is_error:
                    assert content["example"]["errors"][0]["code"] in codes_of(operation, status)
                    assert content["example"]["type"] in {"client_error", "server_error"}
    assert [name for name in schema["components"]["schemas"] if "Error" in name] == [
        "Error",
        "ErrorDetail",
        "ErrorType",
    ]


def test_header_that_tells_the_next_step_is_named(operation: dict[str, Any]) -> None:
    headers = {
        status: list(response["headers"])
        for status, response in operation["responses"].items()
        if "headers" in response
    }

    assert headers == {
        "401": ["WWW-Authenticate"],
        "429": ["Retry-After"],
        "503": ["Retry-After"],
    }


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/api/token", {"no_active_account"}),
        (
            "/api/token/refresh",
            {
                "token_not_valid",
                "no_active_account",
                "user_inactive",
                "user_not_found",
                "password_changed",
            },
        ),
    ],
)
def test_errors_of_a_login_are_401(schema: dict[str, Any], path: str, codes: set[str]) -> None:
    operation = schema["paths"][path]["post"]

    assert set(codes_of(operation, "401")) == codes
    assert not codes & set(codes_of(operation, "400"))


def test_only_token_addresses_want_no_token(
    schema: dict[str, Any], operation: dict[str, Any]
) -> None:
    [[name]] = operation["security"]
    assert schema["components"]["securitySchemes"][name]["scheme"] == "bearer"
    for path in ("/api/token", "/api/token/refresh"):
        assert schema["paths"][path]["post"].get("security", [{}]) == [{}]


def test_options_say_nothing_of_the_code(api: APIClient) -> None:
    assert api.options(REFRESH).json()["description"] == ""


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/api/docs", "/api/docs/"])
def test_docs_page_loads_nothing_from_elsewhere(client: Client, url: str) -> None:
    response = client.get(url)
    html = response.content.decode()

    assert response.status_code == 200
    loaded = re.findall(r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["']([^"']+)""", html)
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/static/"), address
        assert b"".join(client.get(address)), address
    assert '"persistAuthorization": true' in html
    assert not re.search(r"@import|fetch\(.https?:", html)
