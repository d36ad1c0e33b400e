"""No refresh takes longer than UNIPILE_TIMEOUT, also when Unipile is asked twice."""

from __future__ import annotations

import time

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox

TIMEOUT = 3.0
# Late, and with time left for a pause of half a second and another try.
LATE = 2.3
# For everything that is not Unipile. With a time of its own the second try would take longer.
SPARE = 2.0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Fault(status=503, delay=LATE), Fault(delay=60)),
        (Fault(close=True, delay=LATE), Fault(drip_headers=0.02)),
    ],
)
def test_second_try_gets_the_rest_of_time(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    first: Fault,
    second: Fault,
) -> None:
    settings.UNIPILE_TIMEOUT = TIMEOUT
    sandbox.inject(first, times=1)
    sandbox.inject(second)

    started = time.monotonic()
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")

    assert response.status_code in (503, 504)
    assert time.monotonic() - started < TIMEOUT + SPARE
    assert sandbox.request_count == 2
