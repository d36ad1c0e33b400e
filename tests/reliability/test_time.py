"""No refresh takes longer than UNIPILE_TIMEOUT because of Unipile."""

from __future__ import annotations

import time

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Fault, Sandbox

# For everything that is not Unipile, on a busy machine.
SPARE = 2.5
SHORT = 0.3

NO_END = {
    "silence": Fault(delay=60),
    "a head that drips": Fault(drip_headers=0.02),
    "a body that drips": Fault(drip_body=0.02, padding=10_000),
    "chunks that drip": Fault(drip_body=0.02, padding=10_000, framing="chunked"),
    "an error that drips": Fault(status=500, drip_body=0.02, body=b"x" * 10_000),
}
# With a time of its own the second request would end after the spare time.
LONG = 3.0
LATE = LONG * 0.9
SECOND_TRY = {
    "late failure, then silence": (Fault(status=503, delay=LATE), Fault(delay=60)),
    "hung up, then a drip": (Fault(close=True, delay=LATE), Fault(drip_headers=0.02)),
    "two late failures": (Fault(status=503, delay=LATE), Fault(status=503, delay=60)),
}


@pytest.mark.parametrize("fault", NO_END.values(), ids=NO_END)
def test_refresh_ends_in_time(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, settings: Settings, fault: Fault
) -> None:
    settings.UNIPILE_TIMEOUT = SHORT
    sandbox.inject(fault)

    assert seconds_of_a_refresh(api, account) < SHORT + SPARE


@pytest.mark.parametrize("faults", SECOND_TRY.values(), ids=SECOND_TRY)
def test_second_try_gets_the_rest_of_time(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    faults: tuple[Fault, Fault],
) -> None:
    settings.UNIPILE_TIMEOUT = LONG
    sandbox.inject(faults[0], times=1)
    sandbox.inject(faults[1])

    assert seconds_of_a_refresh(api, account) < LONG + SPARE
    # A connection that was open already is replaced without counting as a try.
    assert sandbox.request_count <= 3


def seconds_of_a_refresh(api: APIClient, account: UnipileAccount) -> float:
    started = time.monotonic()
    response = api.post("/api/unipile/refresh", {"accountId": str(account.pk)}, format="json")
    assert response.status_code in (503, 504)
    return time.monotonic() - started
