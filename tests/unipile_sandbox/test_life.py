from __future__ import annotations

from typing import Any

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import ACCOUNTS, get, get_account, get_page, get_profile, ids
from unipile_sandbox import (
    Fault,
    Sandbox,
    linkedin_account,
)


def delete(sandbox: Sandbox, account_id: str) -> Any:
    return get(sandbox, f"{ACCOUNTS}/{account_id}", method="DELETE")


def test_deleted_account_is_gone_with_an_event(
    sandbox: Sandbox, account: str, receiver: Receiver
) -> None:
    sandbox.add_webhook(receiver.url)
    reply = delete(sandbox, account)
    assert (reply.status, reply.json) == (200, {"object": "AccountDeleted"})
    assert get_account(sandbox, account).status == delete(sandbox, account).status == 404
    assert ids(get_page(sandbox)) == []
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["DELETED"]


@pytest.mark.parametrize(
    ("fault", "is_gone"),
    [(Fault(status=500), False), (Fault(cut=3), True), (Fault(close=True), True)],
)
def test_failed_delete_may_have_happened(
    sandbox: Sandbox, account: str, fault: Fault, is_gone: bool
) -> None:
    sandbox.inject(fault, operation="delete")
    try:
        assert delete(sandbox, account).status == 500
    except Exception:  # noqa: BLE001
        assert is_gone
    assert get_account(sandbox, account).status == (404 if is_gone else 200)


def test_logged_out_account_has_no_profile(sandbox: Sandbox, account: str) -> None:
    sandbox.log_out(account)
    [source] = get_account(sandbox, account).json["sources"]
    assert source["status"] == "CREDENTIALS"
    reply = get_profile(sandbox, account)
    assert (reply.status, reply.json["type"]) == (401, "errors/disconnected_account")


# The profile of the owner


def test_profile_follows_the_copy_until_it_is_set(sandbox: Sandbox) -> None:
    sandbox.add(linkedin_account("a", premium_features=["sales_navigator"]))
    profile = get_profile(sandbox, "a").json
    assert profile["premium"] is True
    assert profile["sales_navigator"].keys() == {"owner_seat_id", "contract_id"}
    assert profile["recruiter"] is None
    sandbox.set_plan("a", premium=False, sales_navigator=False)
    profile = get_profile(sandbox, "a").json
    assert (profile["premium"], profile["sales_navigator"]) == (False, None)
    copied = get_account(sandbox, "a").json["connection_params"]["im"]["premiumFeatures"]
    assert copied == ["sales_navigator"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"sales_navigator": "DISCONNECTED"}, {"sales_navigator": {"error": "DISCONNECTED"}}),
        ({"premium": True}, {"premium": True, "sales_navigator": None}),
        ({"sales_navigator": 5, "premium": "yes"}, {"sales_navigator": 5, "premium": "yes"}),
    ],
)
def test_plan_at_linkedin_can_be_anything(
    sandbox: Sandbox, account: str, change: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert sandbox.set_plan(account, **change) == get_profile(sandbox, account).json
    assert shown.items() <= get_profile(sandbox, account).json.items()


@pytest.mark.parametrize(
    ("query", "status", "error_type"),
    [
        ("", 400, "errors/missing_parameters"),
        ("?account_id=nobody", 404, "errors/resource_not_found"),
        ("?account_id=whatsapp", 501, "errors/feature_not_implemented"),
    ],
)
def test_profile_needs_a_linkedin_account(
    sandbox: Sandbox, query: str, status: int, error_type: str
) -> None:
    sandbox.add({"object": "Account", "type": "WHATSAPP", "id": "whatsapp"})
    reply = get(sandbox, f"/api/v1/users/me{query}")
    assert (reply.status, reply.json["type"]) == (status, error_type)
