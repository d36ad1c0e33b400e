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
