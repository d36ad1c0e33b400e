"""Whatever arrives from Unipile: a documented verdict or a documented error, and a true row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers import make_account, stored
from tests.reliability.conftest import examples
from unipile_accounts.exceptions import (
    UnipileError,
    UnipileNotLinkedIn,
    UnipilePremiumStatusPending,
    UnipileReconnectRequired,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.limits import SALES_NAVIGATOR
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.account import read_account
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Fault, Sandbox, linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
UNREADABLE = (UnipileNotLinkedIn, UnipileUnexpectedAnswer)
DOCUMENTED = (*UNREADABLE, UnipilePremiumStatusPending)

# Any Python string: NUL, emoji, right-to-left marks and lone surrogates are all in it.
texts = st.text(st.characters(exclude_categories=()), max_size=40)
awkward = st.sampled_from(
    [
        "\0",
        "\udc00\ud800",
        "😀" * 255,
        "x" * 10_000,
        "\x85\u3000 \t\n",
        "../../admin",
    ]
)
any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=6,
)


def any_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


features = any_of(
    None, [], ["premium"], ["sales_navigator"], ["premium", "sales_navigator"], ["new"]
)
statuses = any_of("OK", "OK", "OK", "CREDENTIALS", "CONNECTING", "STOPPED", "ERROR", "NEW")
sound_payloads = st.builds(
    linkedin_account,
    st.just(ID),
    name=any_of("Mara Feldkamp", None, " ") | awkward | texts,
    public_identifier=any_of("mara", None, "") | awkward | texts,
    premium_id=any_of(None, "", "ACwAAB"),
    premium_features=features,
    statuses=st.just(["OK"]) | st.lists(statuses, max_size=3),
    omit=st.lists(any_of("name", "sources", "publicIdentifier", "premiumId", "premiumFeatures")),
)

PLACES = [
    *[(key,) for key in ("object", "type", "id", "name", "sources", "connection_params", "new")],
    ("connection_params", "im"),
    ("sources", 0),
    ("sources", 0, "status"),
    *[
        ("connection_params", "im", key)
        for key in ("premiumId", "premiumFeatures", "publicIdentifier", "new")
    ],
    ("connection_params", "im", "premiumFeatures", 0),
]


@st.composite
def payloads(draw: st.DrawFn) -> Any:
    """Draw a sound payload, and put anything at all into a place or two of it, or into none."""
    payload = draw(sound_payloads)
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=2)):
        # The place may not be there, or be no longer what it was.
        with suppress(KeyError, IndexError, TypeError):
            inside: Any = payload
            for step in place[:-1]:
                inside = inside[step]
            inside[place[-1]] = draw(any_json)
    return payload


def says_no_features(im: dict[str, Any]) -> bool:
    """Tell whether a payload states that there are none: section 4 of the design, once more."""
    if im.get("premiumId"):
        return False
    if "premiumFeatures" in im:
        return im["premiumFeatures"] in ([], None)
    return "premiumId" in im


def test_any_json_is_a_documented_verdict_or_error() -> None:
    outcomes: Counter[Any] = Counter()

    @given(payload=payloads() | any_json)
    @examples(800)
    @example(payload=linkedin_account(ID) | {"type": "WHATSAPP"})
    def judge(payload: Any) -> None:
        try:
            verdict = read_account(payload, unipile_account_id=ID)
        except UNREADABLE as exc:
            outcomes[type(exc)] += 1
            return
        outcomes[*verdict.flags.values(), verdict.status] += 1
        if verdict.status == "credentials_required":
            assert verdict.flags == {}
            return
        im = payload["connection_params"]["im"]
        if not verdict.flags:
            assert not {"premiumFeatures", "premiumId"} & im.keys()
            return
        found = im.get("premiumFeatures") or []
        assert all(isinstance(feature, str) for feature in found)
        assert verdict.flags == {
            "is_premium": bool(found or im.get("premiumId")),
            "has_sales_navigator": "sales_navigator" in found,
        }
        assert verdict.flags["is_premium"] or says_no_features(im)
        statuses = {source["status"] for source in payload.get("sources") or []}
        assert verdict.status == ("connected" if statuses == {"OK"} else None)

    judge()
    # Each of them was met.
    flags: list[tuple[bool, ...]] = [(), (False, False), (True, False), (True, True)]
    assert set(outcomes) == {
        *UNREADABLE,
        ("credentials_required",),
        *((*told, status) for told in flags for status in (None, "connected")),
    }


@pytest.fixture
def premium(owner: User, sandbox: Sandbox) -> Callable[[], UnipileAccount]:
    """Bring the one row back to a premium one that was never refreshed."""
    account = make_account(owner, payload=linkedin_account(ID))

    def reset() -> UnipileAccount:
        UnipileAccount.objects.filter(pk=account.pk).update(
            name="Stored name",
            profile_url="https://www.linkedin.com/in/stored",
            status="connected",
            **SALES_NAVIGATOR.columns,
            refreshed_at=None,
            answered_at=None,
        )
        return account

    return reset


def refresh(account: UnipileAccount) -> UnipileError | None:
    try:
        refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)
    except UnipileError as exc:
        return exc
    return None


@given(body=(payloads() | any_json).map(json.dumps).map(str.encode) | st.binary(max_size=200))
@examples(140)
@example(body=b"\xef\xbb\xbf{}")
@example(body=b"NaN")
@example(body=b'{"object":"Account","object":"Account"}')
@example(body=json.dumps(linkedin_account(ID, name="\0", public_identifier="\0")).encode())
def test_any_body_over_http_leaves_a_true_row(
    premium: Callable[[], UnipileAccount], sandbox: Sandbox, body: bytes
) -> None:
    account = premium()
    before = stored(account)
    sandbox.clear_faults()
    sandbox.inject(Fault(status=200, body=body))

    error = refresh(account)

    after = stored(account)
    if isinstance(error, UnipileReconnectRequired):
        assert after["status"] == "credentials_required"
        assert (after["is_premium"], after["name"]) == (True, "Stored name")
    elif error:
        assert isinstance(error, DOCUMENTED)
        assert after == before
    elif not after["is_premium"]:
        assert says_no_features(json.loads(body)["connection_params"]["im"])
    limits = (after["weekly_connection_limit"], after["weekly_message_limit"])
    assert limits == ((100, 150) if after["is_premium"] else (80, 100))
