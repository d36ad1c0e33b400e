from __future__ import annotations

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    get,
    get_account,
    get_page,
    ids,
)
from unipile_sandbox import (
    Fault,
    Request,
    Sandbox,
    UnknownAccountError,
    linkedin_account,
)


def test_update_puts_changes_where_unipile_keeps_them(sandbox: Sandbox, account: str) -> None:
    expected = sandbox.get(account)
    expected["name"] = "Mara F."
    expected["sources"] = []
    expected["connection_params"]["im"] |= {"premiumFeatures": ["premium"], "premiumId": "X"}
    changes = {"name": "Mara F.", "sources": [], "premiumFeatures": ["premium"], "premium_id": "X"}
    assert sandbox.update(account, **changes) == expected
    assert get_account(sandbox, account).json == expected


def test_removed_account_is_gone(sandbox: Sandbox, account: str) -> None:
    sandbox.remove(account)
    assert get_account(sandbox, account).status == 404
    page = get_page(sandbox)
    assert (page["total_count"], page["status_counts"]["OK"]) == (0, 0)
    for call in (sandbox.remove, sandbox.get, sandbox.update):
        with pytest.raises(UnknownAccountError, match="There is no account 'mara'"):
            call(account)


def test_reset_goes_back_to_the_start() -> None:
    called: list[Request] = []
    with Sandbox([linkedin_account("a"), linkedin_account("b")], api_key="other") as sandbox:
        sandbox.update("a", name="New")
        sandbox.remove("b")
        sandbox.add(linkedin_account("c"))
        sandbox.inject(Fault(status=500))
        sandbox.latency = 60
        sandbox.on_answer = called.append
        sandbox.reset()
        assert sandbox.requests == called == []
        reply = get(sandbox, ACCOUNTS, key="other")
        assert [item["name"] for item in reply.json["items"]] == ["Robin Sample"] * 2
        assert ids(reply.json) == ["a", "b"]
        assert (sandbox.request_count, called) == (1, [])
