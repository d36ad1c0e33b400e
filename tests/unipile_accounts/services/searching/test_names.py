from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache.backends.locmem import LocMemCache
from pytest_django import Settings

from tests.helpers import make_account
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.people import Api, Search
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.searching.names import NameNotFound, with_ids
from unipile_sandbox import Sandbox
from unipile_sandbox.directory import COMPANIES, id_of

TOWN = "Exampletown, Sampleland"
# Two places have this one.
SPRINGVALE = "Springvale, Northshire"


def named(account: UnipileAccount, api: Api = "classic", **filters: Any) -> Any:
    search = Search(account.unipile_account_id, api, filters)
    return with_ids(search, Patience.of_one_refresh())


def place(number: int, service: Any = "CLASSIC") -> str:
    return id_of("LOCATION", number, service)


@pytest.mark.parametrize(
    "word",
    [
        "são exemplo, sampleland",
        "Sa\u0303o Exemplo, Sampleland",
        "São\xa0Exemplo,  Sampleland",
    ],
)
def test_name_is_found_however_it_is_written(account: UnipileAccount, word: str) -> None:
    assert named(account, location=[word]) == {"location": [place(2)]}


def test_ids_and_words_are_left_as_they_are(account: UnipileAccount, sandbox: Sandbox) -> None:
    filters: Any = {"location": ["100001"], "keywords": TOWN, "seniorityLevel": ["cxo"]}

    assert named(account, "sales_navigator", **filters) == filters
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("field", "word", "code", "candidates"),
    [
        (
            "location",
            SPRINGVALE,
            "ambiguous_name",
            [(place(4), SPRINGVALE), (place(5), SPRINGVALE)],
        ),
        ("location", "Nowhere", "unknown_name", []),
        (
            "currentCompany",
            "Example",
            "unknown_name",
            [(id_of("COMPANY", number, "CLASSIC"), COMPANIES[number]) for number in range(5)],
        ),
    ],
)
def test_other_names_are_answered_with_candidates(
    account: UnipileAccount, field: str, word: str, code: str, candidates: list[tuple[str, str]]
) -> None:
    filters: Any = {field: [word]}

    with pytest.raises(NameNotFound) as caught:
        named(account, **filters)

    [error] = caught.value.error_dict[field]
    [message] = error.messages
    assert error.code == code
    assert f"“{word}”" in message
    assert ("candidate" in message) is bool(candidates)
    # Candidates of one name differ by their ids only.
    assert ("whole name" in message) is (code == "unknown_name" and bool(candidates))
    assert caught.value.candidates == [{"id": each, "name": name} for each, name in candidates]


# --- What is remembered ---------------------------------------------------------------------------


def test_name_is_asked_for_once_a_day(
    account: UnipileAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(account, location=[TOWN])
    named(account, location=[TOWN.upper()])
    assert sandbox.request_count == 1
    now = time.time()

    monkeypatch.setattr(time, "time", lambda: now + 23 * 3600)
    named(account, location=[TOWN])
    assert sandbox.request_count == 1
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    named(account, location=[TOWN])
    assert sandbox.request_count == 2


def test_memory_holds_for_one_account_and_api(
    account: UnipileAccount, owner: User, sandbox: Sandbox
) -> None:
    other = make_account(owner, sandbox)
    sandbox.set_plan(account.unipile_account_id, sales_navigator=True)

    classic = named(account, location=[TOWN])["location"]
    paid = named(account, "sales_navigator", location=[TOWN])["location"]
    named(other, location=[TOWN])

    assert (classic, paid) == ([place(0)], [place(0, "SALES_NAVIGATOR")])
    assert sandbox.request_count == 3


class DeadCache(LocMemCache):
    def get(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("Connection refused")

    def set(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError("Connection refused")


def test_dead_cache_costs_requests_and_nothing_else(
    account: UnipileAccount, sandbox: Sandbox, settings: Settings
) -> None:
    before = settings.CACHES
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.DeadCache"}}

    found = [named(account, location=[TOWN]) for _ in range(2)]
    settings.CACHES = before

    assert found == [{"location": [place(0)]}] * 2
    assert sandbox.request_count == 2
