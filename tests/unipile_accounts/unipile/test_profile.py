from __future__ import annotations

import pytest

from tests.unipile_accounts.unipile.conftest import ID
from unipile_accounts.exceptions import UnipileLoginLost
from unipile_accounts.unipile.profile import get_own_profile
from unipile_sandbox import Fault, Sandbox


def test_profile_is_asked_for_by_account(account: str, sandbox: Sandbox) -> None:
    sandbox.set_plan(account, premium=True, sales_navigator="DISCONNECTED")

    profile = get_own_profile(account)

    assert profile["premium"] is True
    assert profile["sales_navigator"] == {"error": "DISCONNECTED"}
    assert sandbox.requests[0].path == f"/api/v1/users/me?account_id={ID}"


def test_refused_profile_speaks_of_the_account(account: str, sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=401, error_type="errors/disconnected_account"))

    with pytest.raises(UnipileLoginLost, match=f"the profile of account {ID}"):
        get_own_profile(account)
