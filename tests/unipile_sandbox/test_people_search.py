from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.unipile_sandbox.talking import Reply, get, post
from unipile_sandbox import Fault, Sandbox, linkedin_account

SEARCH = "/api/v1/linkedin/search"
CLASSIC: dict[str, Any] = {"api": "classic", "category": "people"}
NAVIGATOR: dict[str, Any] = {"api": "sales_navigator", "category": "people"}


def dicts(*values: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return values


@pytest.fixture(autouse=True)
def accounts(sandbox: Sandbox) -> None:
    sandbox.add(linkedin_account("free"))
    sandbox.add(linkedin_account("paid", premium_features=["sales_navigator"]))


def search(sandbox: Sandbox, body: object, account_id: str = "paid", **query: Any) -> Reply:
    return post(sandbox, f"{SEARCH}?{urlencode({'account_id': account_id, **query})}", body)


def found(sandbox: Sandbox, body: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """Return everybody, page by page."""
    page = search(sandbox, body, **query).json
    items: list[dict[str, Any]] = page["items"]
    while page["cursor"]:
        page = search(sandbox, {"cursor": page["cursor"]}).json
        items += page["items"]
    return items


def parameters(sandbox: Sandbox, kind: str, account_id: str = "paid", **query: Any) -> Any:
    query = {"account_id": account_id, "type": kind, **query}
    reply = get(sandbox, f"{SEARCH}/parameters?{urlencode(query)}")
    assert reply.status == 200
    return reply.json


def id_of(sandbox: Sandbox, kind: str, title: str, service: str) -> str:
    [item] = parameters(sandbox, kind, keywords=title, service=service)["items"]
    return str(item["id"])


def test_answer_has_unipiles_envelope(sandbox: Sandbox) -> None:
    answer = search(sandbox, {**NAVIGATOR, "keywords": "sales"}, limit=2).json
    assert answer.keys() == {"object", "items", "config", "paging", "cursor"}
    assert answer["object"] == "LinkedinSearch"
    assert answer["config"] == {"params": {**NAVIGATOR, "keywords": "sales"}}
    assert answer["paging"]["start"] == 0
    assert answer["paging"]["page_count"] == len(answer["items"]) == 2
    assert answer["paging"]["total_count"] > 2


def test_id_depends_on_the_api(sandbox: Sandbox) -> None:
    classic, navigator = (search(sandbox, body).json["items"] for body in (CLASSIC, NAVIGATOR))
    assert {item["id"][:6] for item in classic} == {"ACoAAB"}
    assert {item["id"][:6] for item in navigator} == {"ACwAAB"}
    assert {len(item["id"]) for item in classic + navigator} == {39}
    assert [item["member_urn"] for item in classic] == [item["member_urn"] for item in navigator]
    assert all("current_positions" not in item for item in classic)
    assert all(item["current_positions"] for item in navigator)


def test_names_of_people_out_of_network_are_null(sandbox: Sandbox) -> None:
    people = found(sandbox, CLASSIC, limit=50)
    hidden = [item for item in people if item["network_distance"] == "OUT_OF_NETWORK"]
    assert 0 < len(hidden) < len(people) / 4
    for item in people:
        is_hidden = item["network_distance"] == "OUT_OF_NETWORK"
        assert (item["name"] is None) == (item["public_identifier"] is None) == is_hidden
        assert ("first_name" in item) != is_hidden


@pytest.mark.parametrize(("body", "limit"), [(CLASSIC, 50), (NAVIGATOR, 100), (NAVIGATOR, 7)])
def test_pages_bring_each_person_once(sandbox: Sandbox, body: dict[str, Any], limit: int) -> None:
    ids = [item["id"] for item in found(sandbox, body, limit=limit)]
    assert len(ids) == len(set(ids)) == 400


def test_page_has_ten_people_and_classic_at_most_fifty(sandbox: Sandbox) -> None:
    sizes = [
        len(search(sandbox, body, **query).json["items"])
        for body in (CLASSIC, NAVIGATOR)
        for query in dicts({}, {"limit": 100})
    ]
    assert sizes == [10, 50, 10, 100]


def test_limit_of_zero_only_counts(sandbox: Sandbox) -> None:
    answer = search(sandbox, CLASSIC, limit=0).json
    assert (answer["items"], answer["cursor"]) == ([], None)
    assert answer["paging"]["total_count"] == 400


@pytest.mark.parametrize("limit", ["101", "-1", "x", "", "1.5"])
def test_limit_must_be_an_integer_from_0_to_100(sandbox: Sandbox, limit: str) -> None:
    reply = search(sandbox, CLASSIC, limit=limit)
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")


@pytest.mark.parametrize(("body", "ceiling"), [(CLASSIC, 1000), (NAVIGATOR, 2500)])
def test_ceiling_ends_the_pages_but_not_the_count(
    sandbox: Sandbox, body: dict[str, Any], ceiling: int
) -> None:
    sandbox.search.people = 3000
    assert len(found(sandbox, body, limit=100)) == ceiling
    assert search(sandbox, body).json["paging"]["total_count"] == 3000


def test_cursor_goes_in_the_query_or_in_the_body(sandbox: Sandbox) -> None:
    body = {**NAVIGATOR, "first_name": "Ada"}
    cursor = search(sandbox, body, limit=3).json["cursor"]
    pages = [
        search(sandbox, {"cursor": cursor}),
        search(sandbox, body, cursor=cursor),
        search(sandbox, {}, cursor=cursor),
    ]
    assert [page.json["paging"] for page in pages] == [pages[0].json["paging"]] * 3
    assert pages[0].json["paging"]["start"] == 3
    assert search(sandbox, {"cursor": cursor}, limit=1).json["paging"]["page_count"] == 1


def test_cursor_is_bound_to_its_account_and_query(sandbox: Sandbox) -> None:
    cursor = search(sandbox, CLASSIC).json["cursor"]
    other_account = search(sandbox, {"cursor": cursor}, account_id="free")
    other_query = search(sandbox, {**CLASSIC, "keywords": "x"}, cursor=cursor)
    for reply, word in ((other_account, "account"), (other_query, "search")):
        assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")
        assert f"another {word}" in reply.json["detail"]


def test_cursor_must_be_one_that_was_given(sandbox: Sandbox) -> None:
    inside = json.loads(urlsafe_b64decode(search(sandbox, CLASSIC).json["cursor"]))
    forged = urlsafe_b64encode(json.dumps(inside | {"query": {}}).encode()).decode()
    for cursor in ("x", "", "é", "bnVsbA==", "W10=", forged):
        assert search(sandbox, {}, cursor=cursor).status == 400
    for body in ({"cursor": 5}, {"cursor": ""}, {"cursor": None}):
        assert search(sandbox, body).status == 400


def test_cursor_does_not_outlive_the_seat(sandbox: Sandbox) -> None:
    cursor = search(sandbox, NAVIGATOR).json["cursor"]
    sandbox.set_plan("paid", sales_navigator=False)
    assert search(sandbox, {"cursor": cursor}).status == 403


# What a body may hold


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"api": "classic"},
        {"api": "recruiter", "category": "people"},
        {"api": ["classic"], "category": "people"},
        {"api": "classic", "category": "companies"},
        {"url": "https://www.linkedin.com/search/results/people/"},
        *(
            CLASSIC | fields
            for fields in dicts(
                {"keywords": ""},
                {"keywords": " "},
                {"keywords": None},
                {"location": []},
                {"location": {"include": ["100001"]}},
                {"location": ["Exampletown"]},
                {"location": [100001]},
                {"network_distance": ["GROUP"]},
                {"network_distance": [True]},
                {"profile_language": ["eng"]},
                {"advanced_keywords": {}},
                {"advanced_keywords": {"title": ""}},
                {"advanced_keywords": {"role": "x"}},
                {"seniority": {"include": ["cxo"]}},
                {"first_name": "Ada"},
                {"limit": 5},
            )
        ),
        *(
            NAVIGATOR | fields
            for fields in dicts(
                {"keywords": ""},
                {"location": ["50100001"]},
                {"location": {}},
                {"location": {"include": []}},
                {"location": {"include": ["Exampletown"]}},
                {"location": {"includes": ["50100001"]}},
                {"company": {"include": [""]}},
                {"job_title": {"include": ["x"]}},
                {"advanced_keywords": {"title": "x"}},
                {"seniority": {"include": ["CXO"]}},
                {"seniority": {"include": []}},
                {"tenure": []},
                {"tenure": [{}]},
                {"tenure": [{"min": 2}]},
                {"tenure_at_role": {"min": 1}},
                {"company_headcount": [{"min": 11, "max": 51}]},
                {"changed_jobs": "true"},
            )
        ),
    ],
)
def test_body_that_is_not_unipiles_is_refused(sandbox: Sandbox, body: object) -> None:
    reply = search(sandbox, body)
    assert (reply.status, reply.json["type"]) == (400, "errors/invalid_parameters")


@pytest.mark.parametrize(
    "fields",
    [
        {"industry": ["1"], "school": ["2"], "service": ["3"], "open_to": ["proBono"]},
        {"connections_of": ["ACoAAB"], "followers_of": ["x"], "profile_language": ["en"]},
        {"network_distance": [1, 2, 3], "past_company": ["1", "2"]},
    ],
)
def test_whole_of_classic_is_taken(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    assert search(sandbox, {**CLASSIC, **fields}, account_id="free").status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"company": {"include": ["1", "Example"], "exclude": ["x"]}, "groups": ["1"]},
        {"account_lists": {"include": ["ALL"]}, "persona": ["1"], "changed_jobs": True},
        {"location_by_postal_code": {"include": ["1"], "within_area": 5}, "last_viewed_at": 1},
        {"network_distance": [1, "GROUP"], "company_type": ["non_profit"]},
        {"tenure": [{"min": 0, "max": 1}, {"min": 10}], "saved_search_id": "5"},
    ],
)
def test_whole_of_sales_navigator_is_taken(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    assert search(sandbox, {**NAVIGATOR, **fields}).status == 200


# Who is found


def test_keywords_must_all_be_there(sandbox: Sandbox) -> None:
    people = found(sandbox, {**CLASSIC, "keywords": "SALES example"})
    assert 0 < len(people) < 400
    assert all("Sales" in item["headline"] for item in people)
    assert found(sandbox, {**CLASSIC, "keywords": "sales nonsense"}) == []


@pytest.mark.parametrize("body", [CLASSIC, NAVIGATOR])
def test_place_is_found_by_its_id_of_that_api(sandbox: Sandbox, body: dict[str, Any]) -> None:
    service = str(body["api"]).upper()
    place = id_of(sandbox, "LOCATION", "Exampletown, Sampleland", service)
    value: Any = [place] if body is CLASSIC else {"include": [place]}
    people = found(sandbox, {**body, "location": value}, limit=50)
    assert people
    assert {item["location"] for item in people} == {"Exampletown, Sampleland"}


def test_ids_of_the_other_api_find_nobody(sandbox: Sandbox) -> None:
    place = id_of(sandbox, "LOCATION", "Exampletown, Sampleland", "SALES_NAVIGATOR")
    assert found(sandbox, {**CLASSIC, "location": [place]}) == []


def test_excluded_people_are_left_out(sandbox: Sandbox) -> None:
    name = "Jorvik Example ApS"
    company = id_of(sandbox, "COMPANY", name, "SALES_NAVIGATOR")
    by_id, by_text = (
        found(sandbox, {**NAVIGATOR, "company": {"include": [value]}}) for value in (company, name)
    )
    assert by_id == by_text != []
    others = found(sandbox, {**NAVIGATOR, "company": {"exclude": [company]}}, limit=100)
    assert len(others) == 400 - len(by_id)


def test_names_of_hidden_people_are_not_searched(sandbox: Sandbox) -> None:
    classic = found(sandbox, {**CLASSIC, "advanced_keywords": {"first_name": "ada"}})
    navigator = found(sandbox, {**NAVIGATOR, "first_name": "ada"})
    assert [item["name"] for item in classic] == [item["name"] for item in navigator]
    assert {item["first_name"] for item in classic} == {"Ada"}


@pytest.mark.parametrize(
    "fields",
    [
        {"seniority": {"include": ["cxo", "director"]}},
        {"function": {"include": ["50500001"]}},
        {"tenure_at_company": [{"min": 1, "max": 2}]},
        {"tenure_at_role": [{"min": 10}]},
        {"company_headcount": [{"min": 11, "max": 50}, {"min": 10001}]},
        {"network_distance": [1]},
        {"profile_language": ["de"]},
        {"role": {"include": ["Head of Sales"]}},
        {"industry": {"exclude": ["50200000"]}},
    ],
)
def test_filters_of_sales_navigator_narrow(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    assert 0 < search(sandbox, {**NAVIGATOR, **fields}).json["paging"]["total_count"] < 400


def test_tenure_is_within_its_range(sandbox: Sandbox) -> None:
    people = found(sandbox, {**NAVIGATOR, "tenure_at_company": [{"min": 1, "max": 2}]})
    tenures = [item["current_positions"][0]["tenure_at_company"] for item in people]
    months = [tenure["years"] * 12 + tenure["months"] for tenure in tenures]
    assert months
    assert all(12 <= count <= 24 for count in months)


# Refusals


def test_sales_navigator_needs_a_seat_at_linkedin(sandbox: Sandbox) -> None:
    reply = search(sandbox, NAVIGATOR, account_id="free")
    assert (reply.status, reply.json["type"]) == (403, "errors/feature_not_subscribed")
    assert search(sandbox, CLASSIC, account_id="free").status == 200
    sandbox.set_plan("free", sales_navigator=True)
    assert search(sandbox, NAVIGATOR, account_id="free").status == 200
    sandbox.set_plan("paid", sales_navigator="DISCONNECTED")
    assert search(sandbox, NAVIGATOR).status == 403


@pytest.mark.parametrize("path", [SEARCH, f"{SEARCH}/parameters"])
def test_search_needs_an_account_that_is_logged_in(sandbox: Sandbox, path: str) -> None:
    method = "POST" if path == SEARCH else "GET"
    sandbox.log_out("paid")

    def status(account_id: str) -> int:
        query = urlencode({"account_id": account_id, "type": "LOCATION"})
        return get(sandbox, f"{path}?{query}", method=method, body=json.dumps(CLASSIC)).status

    assert [status(account_id) for account_id in ("paid", "nobody", "")] == [401, 404, 400]
    assert get(sandbox, path, method=method, key="wrong").status == 401


def test_search_has_faults_of_its_own(sandbox: Sandbox) -> None:
    sandbox.inject(Fault(status=500), operation="search", account_id="paid")
    assert search(sandbox, CLASSIC).status == 500
    assert search(sandbox, CLASSIC, account_id="free").status == 200
    assert parameters(sandbox, "LOCATION")["items"]


# Names to ids


def test_parameters_have_unipiles_envelope(sandbox: Sandbox) -> None:
    answer = parameters(sandbox, "LOCATION", keywords="mockford")
    assert answer["object"] == "LinkedinSearchParametersList"
    assert answer["paging"] == {"page_count": 3}
    assert [item["title"] for item in answer["items"]] == [
        "Mockford, Northshire",
        "Mockford, Southshire",
        "Greater Mockford Area",
    ]
    for item in answer["items"]:
        assert item.keys() == {"object", "id", "title"}
        assert item["object"] == "LinkedinSearchParameter"
        assert item["id"].isdigit()


def test_ids_of_a_title_depend_on_the_service(sandbox: Sandbox) -> None:
    services = ("CLASSIC", "SALES_NAVIGATOR")
    ids = {id_of(sandbox, "INDUSTRY", "Retail", service) for service in services}
    assert len(ids) == 2
    assert id_of(sandbox, "SALES_INDUSTRY", "Retail", "SALES_NAVIGATOR") in ids


@pytest.mark.parametrize(("kind", "title"), [("LOCATION", "Springvale"), ("COMPANY", "Rosendale")])
def test_some_titles_stand_for_two_ids(sandbox: Sandbox, kind: str, title: str) -> None:
    first, second = parameters(sandbox, kind, keywords=title)["items"]
    assert first["title"] == second["title"]
    assert first["id"] != second["id"]


def test_parameters_are_ten_unless_told_otherwise(sandbox: Sandbox) -> None:
    sizes = [
        len(parameters(sandbox, "JOB_TITLE", **query)["items"])
        for query in dicts({}, {"limit": 100})
    ]
    assert sizes == [10, 80]
    assert parameters(sandbox, "LOCATION", keywords="nonsense")["items"] == []
    assert parameters(sandbox, "SKILL")["items"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"type": "PLACE"}, 400),
        ({"type": "LOCATION", "limit": 0}, 400),
        ({"type": "LOCATION", "limit": 101}, 400),
        ({"type": "LOCATION", "service": "RECRUITER"}, 400),
        ({"type": "DEPARTMENT", "service": "CLASSIC"}, 400),
        ({"type": "DEPARTMENT", "account_id": "free"}, 403),
        ({"type": "LOCATION", "service": "SALES_NAVIGATOR", "account_id": "free"}, 403),
    ],
)
def test_bad_question_for_parameters_is_refused(
    sandbox: Sandbox, query: dict[str, object], status: int
) -> None:
    path = f"{SEARCH}/parameters?{urlencode({'account_id': 'paid', **query})}"
    assert get(sandbox, path).status == status
