from __future__ import annotations

import http.client

import pytest

from tests.unipile_sandbox.talking import (
    ACCOUNTS,
    KEY,
    at_least,
    connect,
    control,
    exchange,
    fill,
    get,
    get_account,
    get_page,
    ids,
)
from unipile_sandbox import (
    Fault,
    Payload,
    Request,
    Sandbox,
    UnknownAccountError,
    linkedin_account,
    samples,
)


def test_samples_are_eight_linkedin_accounts_among_others() -> None:
    types = [payload["type"] for payload in samples()]
    assert types.count("LINKEDIN") == 8
    assert {"WHATSAPP", "GOOGLE_OAUTH", "TELEGRAM"} < set(types)
    assert types[0] == types[-2] == "LINKEDIN"
    assert len({payload["id"] for payload in samples()}) == len(types) == 11


def test_linkedin_account_has_the_keys_of_the_samples() -> None:
    made, sample = linkedin_account(), samples()[0]
    im, sample_im = (payload["connection_params"]["im"] for payload in (made, sample))
    assert made.keys() == sample.keys()
    assert im.keys() == sample_im.keys() - {"proxy"}
    assert (len(made["id"]), len(im["id"])) == (len(sample["id"]), len(sample_im["id"]))
    assert im["premiumFeatures"] == []
    assert made["sources"] == [{"id": f"{made['id']}_MESSAGING", "status": "OK"}]
    assert linkedin_account()["id"] != made["id"]


def test_linkedin_account_takes_every_interesting_key() -> None:
    payload = linkedin_account(
        "mara",
        name="Mara",
        premium_features=["premium"],
        premium_id="ACwAAB",
        premium_contract_id="2000000003",
        public_identifier="mara-example",
        statuses=["OK", "ERROR"],
        im={"username": 5, "extra": True},
    )
    im = payload["connection_params"]["im"]
    assert (payload["id"], payload["name"]) == ("mara", "Mara")
    assert [source["status"] for source in payload["sources"]] == ["OK", "ERROR"]
    assert len({source["id"] for source in payload["sources"]}) == 2
    assert im["premiumFeatures"] == ["premium"]
    assert (im["premiumId"], im["premiumContractId"]) == ("ACwAAB", "2000000003")
    assert (im["publicIdentifier"], im["username"], im["extra"]) == ("mara-example", 5, True)
    assert (
        linkedin_account(premium_features=None)["connection_params"]["im"]["premiumFeatures"]
        is None
    )


def test_linkedin_account_leaves_keys_out() -> None:
    payload = linkedin_account(omit=["premiumFeatures", "premium_id", "name", "sources"])
    assert not {"name", "sources"} & payload.keys()
    assert not {"premiumFeatures", "premiumId"} & payload["connection_params"]["im"].keys()
    assert "im" not in linkedin_account(omit=["im"])["connection_params"]
    with pytest.raises(ValueError, match="'colour' is not a key"):
        linkedin_account(omit=["colour"])


def test_adding_a_known_id_replaces_that_account_in_its_place(sandbox: Sandbox) -> None:
    fill(sandbox, 2)
    assert len(get_page(sandbox)["items"]) == 2
    assert sandbox.add(linkedin_account("account-0", name="New")) == "account-0"
    assert [item["name"] for item in get_page(sandbox)["items"]] == ["New", "Robin Sample"]


@pytest.mark.parametrize("payload", [{}, {"id": ""}, {"id": 5}])
def test_account_without_an_id_is_refused(sandbox: Sandbox, payload: Payload) -> None:
    with pytest.raises(ValueError, match="needs an id"):
        sandbox.add(payload)


def test_update_puts_changes_where_unipile_keeps_them(sandbox: Sandbox, account: str) -> None:
    expected = sandbox.get(account)
    expected["name"] = "Mara F."
    expected["sources"] = []
    expected["connection_params"]["im"] |= {"premiumFeatures": ["premium"], "premiumId": "X"}
    changes = {"name": "Mara F.", "sources": [], "premiumFeatures": ["premium"], "premium_id": "X"}
    assert sandbox.update(account, **changes) == expected
    assert get_account(sandbox, account).json == expected


def test_update_gives_a_status_to_every_source(sandbox: Sandbox) -> None:
    sandbox.load([linkedin_account("two", statuses=["OK", "OK"]), linkedin_account("none")])
    sandbox.update("none", sources=[])
    for account_id in ("two", "none"):
        sandbox.update(account_id, status="CREDENTIALS")
    sources = get_account(sandbox, "two").json["sources"]
    assert [source["status"] for source in sources] == ["CREDENTIALS"] * 2
    assert get_account(sandbox, "none").json["sources"] == [
        {"id": "none_MESSAGING", "status": "CREDENTIALS"}
    ]
    assert get_page(sandbox)["status_counts"]["CREDENTIALS"] == 2


def test_update_leaves_keys_out(sandbox: Sandbox, account: str) -> None:
    sandbox.update(account, omit=["premiumFeatures", "name"])
    payload = get_account(sandbox, account).json
    assert "name" not in payload
    assert "premiumFeatures" not in payload["connection_params"]["im"]


@pytest.mark.parametrize("changes", [{"id": "x"}, {"premiumFeature": []}, {"omit": ["id"]}])
def test_update_refuses_what_is_not_a_key_and_changes_nothing(
    sandbox: Sandbox, account: str, changes: Payload
) -> None:
    before = sandbox.get(account)
    with pytest.raises(ValueError, match="is not a key"):
        sandbox.update(account, name="New", **changes)
    assert sandbox.get(account) == before


def test_accounts_may_be_as_odd_as_a_test_wants_them(sandbox: Sandbox, account: str) -> None:
    sandbox.update(account, sources="x", connection_params=[])
    assert get_account(sandbox, account).json["connection_params"] == []
    assert get_page(sandbox)["status_counts"]["OK"] == 0
    sandbox.update(account, status="OK", premiumFeatures=[])
    assert get_account(sandbox, account).json["connection_params"] == {
        "im": {"premiumFeatures": []}
    }


def test_removed_account_is_gone(sandbox: Sandbox, account: str) -> None:
    sandbox.remove(account)
    assert get_account(sandbox, account).status == 404
    page = get_page(sandbox)
    assert (page["total_count"], page["status_counts"]["OK"]) == (0, 0)
    for call in (sandbox.remove, sandbox.get, sandbox.update):
        with pytest.raises(UnknownAccountError, match="There is no account 'mara'"):
            call(account)


def test_requests_are_recorded_as_they_came(sandbox: Sandbox, account: str) -> None:
    with connect(sandbox.url) as connection:
        exchange(connection, f"{ACCOUNTS}?limit=1")
        exchange(connection, f"{ACCOUNTS}/{account}", method="POST", key=None)
    control(sandbox, "GET", "")
    first, second = sandbox.requests
    assert (first.method, first.path) == ("GET", f"{ACCOUNTS}?limit=1")
    assert (second.method, second.path) == ("POST", f"{ACCOUNTS}/{account}")
    assert first.headers["x-api-key"] == KEY
    assert "x-api-key" not in second.headers
    assert first.connection == second.connection
    assert sandbox.request_count == 2


@pytest.mark.parametrize("record", [0, 2])
def test_recording_is_bounded_and_counting_is_not(record: int) -> None:
    with Sandbox(record=record) as sandbox:
        for number in range(3):
            get(sandbox, f"{ACCOUNTS}/{number}")
        paths = [request.path[-1] for request in sandbox.requests]
        assert paths == ["1", "2"][:record]
        assert sandbox.request_count == 3


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


def test_on_answer_may_change_what_is_too_late_for_that_answer(
    sandbox: Sandbox, account: str
) -> None:
    seen = []

    def rename(request: Request) -> None:
        seen.append(request.path)
        sandbox.update(account, name="New")

    sandbox.on_answer = rename
    names = [get_account(sandbox, account).json["name"] for _ in range(2)]
    assert names == ["Mara Feldkamp", "New"]
    assert seen == [f"{ACCOUNTS}/{account}"] * 2


def test_latency_passes_before_each_answer(sandbox: Sandbox, account: str) -> None:
    sandbox.latency = 0.05
    with at_least(0.1):
        get_account(sandbox, account)
        get_page(sandbox)


def test_sandbox_starts_again_on_its_port() -> None:
    with Sandbox() as sandbox, connect(sandbox.url) as connection:
        url = sandbox.url
        exchange(connection, ACCOUNTS)
        with connect(url) as idle:
            exchange(idle, ACCOUNTS)
            sandbox.stop()
            sandbox.stop()
            # Closed by the sandbox first: the port now waits out the connection.
            assert idle.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            get(sandbox, ACCOUNTS)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            exchange(connection, ACCOUNTS)
        assert sandbox.start().start().url == url
        assert get(sandbox, ACCOUNTS).status == 200
