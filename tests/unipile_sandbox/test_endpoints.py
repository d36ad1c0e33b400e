from __future__ import annotations

import pytest

from tests.unipile_sandbox.talking import ACCOUNTS, error_of, fill, get, get_account, get_page, ids
from unipile_sandbox import Sandbox, linkedin_account


@pytest.mark.parametrize("account_id", ["-Qe7TzH2R0uJm5nXc8VwPg", "a/b?c#d %2F"])
def test_read_gives_the_account_with_that_id(sandbox: Sandbox, account_id: str) -> None:
    payload = linkedin_account(account_id)
    sandbox.load([linkedin_account("other"), payload])

    reply = get_account(sandbox, account_id)

    assert (reply.status_code, reply.json()) == (200, payload)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("key", [None, "SANDBOX-KEY"])
def test_wrong_key_gets_what_unipile_says_to_it(sandbox: Sandbox, key: str | None) -> None:
    assert get(sandbox, ACCOUNTS, key=key).content == (
        b'{"status":401,"type":"errors/missing_credentials","title":"Missing credentials"}'
    )


def test_list_has_unipiles_envelope(sandbox: Sandbox) -> None:
    statuses = ["OK", "OK", "CONNECTING", "CREDENTIALS", "STOPPED", "ERROR"]
    accounts = [linkedin_account(statuses=[status]) for status in statuses]
    accounts += [linkedin_account(statuses=[]), linkedin_account(statuses=["STOPPED", "OK"])]
    sandbox.load(accounts)

    assert get_page(sandbox) == {
        "object": "AccountList",
        "items": accounts,
        "cursor": None,
        "total_count": 8,
        "status_counts": {"OK": 2, "CONNECTING": 1, "CREDENTIALS": 1, "STOPPED": 2},
    }


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (3, [2, 1]), (4, [2, 2])])
def test_cursor_leads_through_all_pages(sandbox: Sandbox, count: int, sizes: list[int]) -> None:
    fill(sandbox, count)
    pages = [get_page(sandbox, limit=2)]
    while pages[-1]["cursor"] is not None:
        pages.append(get_page(sandbox, limit=2, cursor=pages[-1]["cursor"]))

    assert [len(page["items"]) for page in pages] == sizes
    assert [item for page in pages for item in ids(page)] == list(sandbox.accounts)


@pytest.mark.parametrize("query", ["limit=0", "limit=251", "cursor=", "cursor=cG9zaXRpb246LTE="])
def test_other_limits_and_cursors_are_refused(sandbox: Sandbox, query: str) -> None:
    assert error_of(get(sandbox, f"{ACCOUNTS}?{query}")) == (400, "invalid_parameters")
