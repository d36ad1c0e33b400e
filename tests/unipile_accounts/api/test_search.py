from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.helpers import Statements, api_client, error_of, make_account, set_rates, stored
from tests.unipile_accounts.api.conftest import refresh
from unipile_accounts.models import AccountChange, UnipileAccount
from unipile_sandbox import Fault, Sandbox, linkedin_account
from unipile_sandbox.directory import id_of

URL = "/api/unipile/search"
TOWN = "Exampletown, Sampleland"
NOT_SUBSCRIBED = "errors/feature_not_subscribed"
WHOLE: dict[str, Any] = {
    "keywords": "example",
    "title": "of",
    "location": [TOWN],
    "seniorityLevel": ["cxo", "director"],
    "companyHeadcount": ["11-50", "10001+"],
    "function": ["Sales"],
    "yearsInCurrentCompany": "10+",
    "yearsInCurrentPosition": "6-10",
}


@pytest.fixture
def navigator(owner: User, sandbox: Sandbox) -> UnipileAccount:
    """An account with Sales Navigator, at LinkedIn as in the row."""
    payload = linkedin_account(premium_features=["premium", "sales_navigator"])
    return make_account(owner, sandbox, payload=payload, is_premium=True, has_sales_navigator=True)


def search(api: APIClient, account: UnipileAccount, **body: Any) -> Any:
    return api.post(URL, {"accountId": str(account.pk), **body}, format="json")


# --- What is found --------------------------------------------------------------------------------


def test_classic_names_what_it_did_not_filter_by(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    answer = search(api, account, **WHOLE, limit=5).json()

    assert list(answer) == ["items", "cursor", "api", "ignored_filters"]
    assert (answer["api"], len(answer["items"])) == ("classic", 5)
    assert answer["ignored_filters"] == list(WHOLE)[3:]
    assert sandbox.requests[-1].json == {
        "api": "classic",
        "category": "people",
        "keywords": "example",
        "advanced_keywords": {"title": "of"},
        "location": [id_of("LOCATION", 0, "CLASSIC")],
    }


@pytest.mark.parametrize(("plan", "largest"), [("account", 50), ("navigator", 60)])
def test_paging_gives_each_person_once(
    api: APIClient, request: pytest.FixtureRequest, plan: str, largest: int
) -> None:
    account = request.getfixturevalue(plan)

    pages = [search(api, account, limit=100).json()]
    while pages[-1]["cursor"]:
        pages.append(search(api, account, limit=100, cursor=pages[-1]["cursor"]).json())

    people = [item["provider_id"] for page in pages for item in page["items"]]
    assert (len(people), len(set(people))) == (60, 60)
    # Unipile says that classic pages should not be larger than 50.
    assert len(pages[0]["items"]) == largest


def test_ignored_filters_are_named_on_every_page(api: APIClient, account: UnipileAccount) -> None:
    first = search(api, account, yearsInCurrentCompany="3-5").json()

    second = search(api, account, cursor=first["cursor"]).json()

    assert first["ignored_filters"] == second["ignored_filters"] == ["yearsInCurrentCompany"]
    assert second["items"] != first["items"]


def test_empty_filter_counts_as_absent(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    body = {
        "keywords": "  ",
        "title": "",
        "location": [],
        "school": ["  ", "\u2003"],
        "seniorityLevel": [""],
        "yearsInCurrentCompany": "",
        "cursor": None,
    }

    answer = search(api, account, **body).json()

    assert answer["ignored_filters"] == []
    assert sandbox.requests[-1].json == {"api": "classic", "category": "people"}


def test_search_costs_one_request_and_two_statements(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, statements: Statements
) -> None:
    with statements() as asked:
        search(api, account, keywords="example")

    assert len(asked) == 2, asked
    assert sandbox.request_count == 1


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"school": ["Nowhere"]}, "school", "unknown_name"),
        ({"cursor": "bWFkZS11cC1jdXJzb3I="}, "cursor", "invalid_cursor"),
        ({"limit": 101}, "limit", "max_value"),
        ({"location": ["1"] * 21}, "location", "max_length"),
        ({"seniorityLevel": ["boss"]}, "seniorityLevel.0", "invalid_choice"),
    ],
)
def test_refusal_names_the_field(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, body: Any, attr: str, code: str
) -> None:
    before = stored(account)

    error = error_of(search(api, account, **body), 400)

    assert (error["attr"], error["code"]) == (attr, code)
    assert not [request for request in sandbox.requests if request.method == "POST"]
    assert stored(account) == before


def test_refusal_names_what_can_be_chosen(api: APIClient, account: UnipileAccount) -> None:
    error = error_of(search(api, account, companyHeadcount=["50"]), 400)

    assert "1-10, 11-50, 51-200" in error["detail"]


def test_candidate_that_is_sent_back_is_taken(api: APIClient, account: UnipileAccount) -> None:
    [candidate] = error_of(search(api, account, location=["Exampletown"]), 400)["candidates"]
    assert candidate["name"] == TOWN

    answer = search(api, account, location=[candidate["id"]]).json()

    assert {item["location"] for item in answer["items"]} == {TOWN}


def test_cursor_of_another_account_or_search_is_refused(
    api: APIClient, account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    other = make_account(owner, sandbox)
    cursor = search(api, account, title="Director").json()["cursor"]
    requests = sandbox.request_count

    for response in (
        search(api, other, title="Director", cursor=cursor),
        search(api, account, title="Head", cursor=cursor),
    ):
        error = error_of(response, 400)
        assert (error["attr"], error["code"]) == ("cursor", "invalid_cursor")

    assert sandbox.request_count == requests
    assert search(api, account, title="Director", cursor=cursor).status_code == 200


def test_cursor_that_unipile_has_forgotten_is_refused(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    cursor = search(api, account).json()["cursor"]
    sandbox.inject(Fault(status=400, error_type="errors/invalid_parameters"))

    assert error_of(search(api, account, cursor=cursor), 400)["code"] == "invalid_cursor"


def test_search_refused_by_linkedin_names_the_ids(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.inject(Fault(status=400), operation="search")

    filters: Any = {"location": [TOWN], "school": ["999", "1"], "title": "Head", "function": ["2"]}
    error = error_of(search(api, account, **filters), 400)

    assert (error["attr"], error["code"]) == ("school", "unknown_id")


@pytest.mark.parametrize(
    ("word", "fault"),
    [(TOWN, Fault(status=400)), ("999", Fault(status=400, body=b"<html>"))],
)
def test_other_refusals_blame_no_id(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox, word: str, fault: Fault
) -> None:
    sandbox.inject(fault, operation="search")

    assert error_of(search(api, account, location=[word]), 502)["code"] == "unipile_error"


def test_only_connected_account_is_searched_through(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    UnipileAccount.objects.update(status="credentials_required")

    assert error_of(search(api, account), 409)["code"] == "reconnect_required"
    assert sandbox.request_count == 0


def test_foreign_account_is_not_found(
    account: UnipileAccount, stranger: User, sandbox: Sandbox
) -> None:
    assert error_of(search(api_client(stranger), account), 404)["code"] == "not_found"
    assert error_of(search(APIClient(), account), 401)["code"] == "not_authenticated"
    assert sandbox.request_count == 0


def test_searches_have_a_limit_of_their_own(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    set_rates(search="2/min")
    assert [search(api, account).status_code for _ in range(2)] == [200, 200]

    response = search(api, account)

    assert error_of(response, 429)["code"] == "throttled"
    assert sandbox.request_count == 2
    assert refresh(api, account.pk).status_code == 200


# --- A flag that is old ---------------------------------------------------------------------------


def test_live_refresh_mends_an_old_flag(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    UnipileAccount.objects.update(is_premium=True, has_sales_navigator=True)
    before = stored(account)

    error = error_of(search(api, account), 409)

    assert error["code"] == "sales_navigator_unavailable"
    assert '"live": true' in error["detail"]
    assert "reconnect" in error["detail"]
    assert stored(account) == before
    assert not [request for request in sandbox.requests if b"classic" in request.body]
    assert refresh(api, account.pk, live=True).status_code == 200
    answer = search(api, account).json()
    assert (answer["api"], bool(answer["items"])) == ("classic", True)


# --- Every fault ----------------------------------------------------------------------------------

FAULTS: list[tuple[Fault, int, str, str | None]] = [
    (Fault(status=401), 502, "unipile_authentication", None),
    (Fault(status=403, error_type=NOT_SUBSCRIBED), 409, "account_unavailable", None),
    (Fault(status=404, error_type="errors/resource_not_found"), 502, "unipile_error", None),
    (Fault(status=429, headers={"Retry-After": "7"}), 503, "unipile_rate_limited", "7"),
    (Fault(body=b"<html>"), 502, "unipile_error", None),
    (Fault(silent=True), 504, "unipile_timeout", None),
]


@pytest.mark.parametrize("operation", ["search", "parameters"])
@pytest.mark.parametrize(("fault", "status", "code", "retry_after"), FAULTS)
def test_every_fault_has_a_documented_outcome(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    settings: Settings,
    operation: Any,
    fault: Fault,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    if status == 504:
        settings.UNIPILE_TIMEOUT = 0.4
    make_account(account.user, sandbox)
    before = stored(account)
    sandbox.inject(fault, operation=operation)

    response = search(api, account, location=[TOWN])

    assert error_of(response, status)["code"] == code
    assert response.headers.get("Retry-After") == retry_after
    assert stored(account) == before
    assert sandbox.request_count <= 3


def test_account_that_is_gone_is_to_be_reconnected(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    make_account(account.user, sandbox)
    sandbox.remove(account.unipile_account_id)

    assert error_of(search(api, account), 409)["code"] == "reconnect_required"
    assert stored(account)["status"] == "connected"


def test_wrong_workspace_asks_for_no_new_login(
    api: APIClient, account: UnipileAccount, sandbox: Sandbox
) -> None:
    sandbox.remove(account.unipile_account_id)
    sandbox.add(linkedin_account())

    error = error_of(search(api, account), 502)

    assert error["code"] == "unipile_account_not_listed"
    assert stored(account)["status"] == "connected"


# --- What is left behind --------------------------------------------------------------------------


def test_nothing_searched_or_found_is_left(
    api: APIClient,
    account: UnipileAccount,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = stored(account)

    with caplog.at_level(logging.INFO):
        found = search(api, account, keywords="farrowby").json()
        search(api, account, keywords="farrowby", school=["farrowby"])
        sandbox.inject(Fault(status=500))
        search(api, account, keywords="farrowby")

    assert found["items"]
    records = f"{[record.__dict__ for record in caplog.records]}{caplog.text}".lower()
    assert "farrowby" not in records
    assert found["items"][0]["provider_id"].lower() not in records
    entries = [
        record
        for record in caplog.records
        if record.name == "unipile_accounts.services" and hasattr(record, "api")
    ]
    assert [vars(entry)["code"] for entry in entries] == ["unipile_error"]
    assert stored(account) == before
    assert not AccountChange.objects.exists()
