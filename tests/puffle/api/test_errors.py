from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, connection
from django.test import Client


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("error", "status"), [(InterfaceError("secret-host refused"), 503), (ZeroDivisionError(), 500)]
)
def test_admin_tells_passing_errors_from_faults(
    staff: Client, error: Exception, status: int
) -> None:
    def fail(*args: Any) -> None:
        raise error

    with connection.execute_wrapper(fail):
        response = staff.get("/admin/")

    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert b"secret-host" not in response.content


@pytest.mark.parametrize(
    ("headers", "code", "next_step"),
    [
        ({"Authorization": "Bearer garbage"}, "token_not_valid", "log in again"),
        ({"Authorization": "Bearer"}, "bad_authorization_header", "Bearer <access>"),
        ({"Accept": "text/html"}, "not_acceptable", "application/json"),
    ],
)
def test_refusal_names_the_next_step(
    client: Client, headers: dict[str, str], code: str, next_step: str
) -> None:
    [error] = client.get("/api/unipile/accounts", headers=headers).json()["errors"]

    assert error["code"] == code
    assert next_step in error["detail"]


def test_body_that_is_no_form_names_its_type(client: Client, db: None) -> None:
    [error] = client.post("/api/token", "x", content_type="text/plain").json()["errors"]

    assert error["code"] == "unsupported_media_type"
    assert "application/json" in error["detail"]


def test_body_that_is_no_object_has_no_field(client: Client, db: None) -> None:
    [error] = client.post("/api/token", "[]", content_type="application/json").json()["errors"]

    assert (error["code"], error["attr"]) == ("invalid", None)
