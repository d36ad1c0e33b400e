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


def test_admin_answers_503_while_the_database_does_not(staff: Client) -> None:
    def fail(*args: Any) -> None:
        raise InterfaceError("secret-host refused the connection")

    with connection.execute_wrapper(fail):
        response = staff.get("/admin/")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert b"Try again shortly" in response.content
    assert b"secret-host" not in response.content


def test_a_fault_of_ours_stays_a_500(staff: Client) -> None:
    def fail(*args: Any) -> None:
        raise ZeroDivisionError

    with connection.execute_wrapper(fail):
        response = staff.get("/admin/")

    assert response.status_code == 500
