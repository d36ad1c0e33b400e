from __future__ import annotations

from typing import Any

import pytest

from tests.unipile_sandbox.receiver import Receiver
from tests.unipile_sandbox.talking import ACCOUNTS, get, get_account, get_page, get_profile, ids
from unipile_sandbox import (
    Fault,
    Sandbox,
    UnknownAccountError,
    linkedin_account,
    sample_plans,
    samples,
)


def delete(sandbox: Sandbox, account_id: str) -> Any:
    return get(sandbox, f"{ACCOUNTS}/{account_id}", method="DELETE")


def test_deleted_account_is_gone_and_an_event_says_so(
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


def test_logged_out_account_has_no_credentials_and_no_profile(
    sandbox: Sandbox, account: str
) -> None:
    sandbox.log_out(account)
    [source] = get_account(sandbox, account).json["sources"]
    assert source["status"] == "CREDENTIALS"
    reply = get_profile(sandbox, account)
    assert (reply.status, reply.json["type"]) == (401, "errors/disconnected_account")


def test_nothing_can_happen_to_an_unknown_account(sandbox: Sandbox) -> None:
    for call in (sandbox.log_out, sandbox.delete, sandbox.profile, sandbox.set_plan):
        with pytest.raises(UnknownAccountError):
            call("nobody")


# The profile of the owner


def test_free_profile_has_unipiles_keys(sandbox: Sandbox, account: str) -> None:
    profile = get_profile(sandbox, account).json
    assert profile.keys() == {
        "object",
        "provider",
        "provider_id",
        "entity_urn",
        "object_urn",
        "first_name",
        "last_name",
        "profile_picture_url",
        "public_profile_url",
        "public_identifier",
        "headline",
        "location",
        "email",
        "premium",
        "open_profile",
        "organizations",
        "recruiter",
        "sales_navigator",
    }
    assert (profile["object"], profile["provider"]) == ("AccountOwnerProfile", "LINKEDIN")
    assert (profile["first_name"], profile["last_name"]) == ("Mara", "Feldkamp")
    assert profile["provider_id"] == sandbox.member_id(account)
    assert profile["email"].endswith("@example.test")
    assert (profile["premium"], profile["recruiter"], profile["sales_navigator"]) == (
        False,
        None,
        None,
    )


def test_profile_says_what_the_copy_says_until_it_is_told_otherwise(sandbox: Sandbox) -> None:
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
        ({"recruiter": "MULTIPLE_SESSIONS"}, {"recruiter": {"error": "MULTIPLE_SESSIONS"}}),
        ({"premium": True}, {"premium": True, "sales_navigator": None}),
        ({"sales_navigator": 5, "premium": "yes"}, {"sales_navigator": 5, "premium": "yes"}),
        ({"email": "a@example.test"}, {"email": "a@example.test"}),
    ],
)
def test_plan_at_linkedin_can_be_anything(
    sandbox: Sandbox, account: str, change: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert sandbox.set_plan(account, **change) == get_profile(sandbox, account).json
    assert shown.items() <= get_profile(sandbox, account).json.items()


def test_profile_leaves_keys_out(sandbox: Sandbox, account: str) -> None:
    sandbox.set_plan(account, omit=["premium", "recruiter"])
    assert {"premium", "recruiter"}.isdisjoint(get_profile(sandbox, account).json)
    for changes in ({"is_premium": True}, {"omit": ["x"]}, {"omit": "x"}):
        with pytest.raises(ValueError, match=r"not a key|list of keys"):
            sandbox.set_plan(account, **changes)


@pytest.mark.parametrize(
    ("query", "status", "error_type"),
    [
        ("", 400, "errors/missing_parameters"),
        ("?account_id=", 400, "errors/missing_parameters"),
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


def test_fault_of_the_profile_leaves_the_account_readable(sandbox: Sandbox, account: str) -> None:
    sandbox.inject(Fault(status=429), account_id=account, operation="profile")
    assert get_profile(sandbox, account).status == 429
    assert get_account(sandbox, account).status == 200


def test_upgrade_of_a_sample_shows_in_its_profile_only() -> None:
    with Sandbox(samples(), plans=sample_plans()) as sandbox:
        [account_id] = sample_plans()
        im = get_account(sandbox, account_id).json["connection_params"]["im"]
        assert im["premiumFeatures"] == []
        profile = get_profile(sandbox, account_id).json
        assert profile["premium"] is True
        assert "owner_seat_id" in profile["sales_navigator"]
        sandbox.set_plan(account_id, premium=False)
        sandbox.reset()
        assert get_profile(sandbox, account_id).json == profile
