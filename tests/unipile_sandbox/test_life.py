from __future__ import annotations

from contextlib import suppress

import pytest
import requests

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    ask,
    error_of,
    get_account,
    get_page,
    get_profile,
    ids,
    messages,
)
from unipile_sandbox import Fault, Request, Sandbox, UnknownAccountError, linkedin_account


def delete(sandbox: Sandbox, account_id: str) -> requests.Response:
    return ask("DELETE", f"{sandbox.url}{ACCOUNTS}/{account_id}")


def test_update_puts_changes_where_unipile_keeps_them(sandbox: Sandbox, account: str) -> None:
    expected = sandbox.get(account)
    expected["name"] = "Mara F."
    expected["connection_params"]["im"] |= {"premiumFeatures": ["premium"], "premiumId": "X"}

    sandbox.update(account, name="Mara F.", premiumFeatures=["premium"], premium_id="X")

    assert get_account(sandbox, account).json() == expected


def test_deleted_account_is_gone_with_an_event(
    sandbox: Sandbox, account: str, receiver: Sandbox
) -> None:
    sandbox.add_webhook(receiver.url)

    assert delete(sandbox, account).json() == {"object": "AccountDeleted"}

    assert error_of(get_account(sandbox, account)) == (404, "resource_not_found")
    assert delete(sandbox, account).status_code == 404
    assert ids(get_page(sandbox)) == []
    with pytest.raises(UnknownAccountError, match="There is no account 'mara'"):
        sandbox.get(account)
    sandbox.wait_for_deliveries()
    assert messages(receiver) == ["DELETED"]


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault(status=500), 200), (Fault(cut=3), 404), (Fault(close=True), 404)]
)
def test_failed_delete_may_have_happened(
    sandbox: Sandbox, account: str, fault: Fault, status: int
) -> None:
    sandbox.inject(fault, operation="delete")
    with suppress(requests.RequestException):
        delete(sandbox, account)

    assert get_account(sandbox, account).status_code == status


def test_logged_out_account_has_no_profile(sandbox: Sandbox, account: str) -> None:
    sandbox.log_out(account)

    [source] = get_account(sandbox, account).json()["sources"]
    assert source["status"] == "CREDENTIALS"
    assert error_of(get_profile(sandbox, account)) == (401, "disconnected_account")


def test_profile_follows_the_copy_until_it_is_set(sandbox: Sandbox) -> None:
    sandbox.add(linkedin_account("a", premium_features=["sales_navigator"]))
    profile = get_profile(sandbox, "a").json()
    assert profile["premium"] is True
    assert profile["sales_navigator"].keys() == {"owner_seat_id", "contract_id"}
    assert profile["recruiter"] is None

    sandbox.set_plan("a", premium=False, sales_navigator=False)

    profile = get_profile(sandbox, "a").json()
    assert (profile["premium"], profile["sales_navigator"]) == (False, None)
    copied = get_account(sandbox, "a").json()["connection_params"]["im"]["premiumFeatures"]
    assert copied == ["sales_navigator"]


def test_reset_goes_back_to_the_start() -> None:
    called: list[Request] = []
    with Sandbox([linkedin_account("a"), linkedin_account("b")]) as sandbox:
        sandbox.update("a", name="New")
        sandbox.remove("b")
        sandbox.add(linkedin_account("c"))
        sandbox.inject(Fault(status=500))
        sandbox.latency = 60
        sandbox.on_answer = called.append
        sandbox.reset()

        assert get_page(sandbox)["items"] == [linkedin_account("a"), linkedin_account("b")]
        assert (sandbox.request_count, called) == (1, [])
