from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from unipile_accounts.exceptions import (
    UnipileError,
    UnipileNotLinkedIn,
    UnipileUnexpectedAnswer,
)
from unipile_accounts.payloads.account import AccountVerdict, read_account
from unipile_accounts.payloads.fields import storable
from unipile_sandbox import linkedin_account, samples

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
NO_KEYS = ("premiumFeatures", "premiumId", "premiumContractId")


def read(payload: Any, unipile_account_id: str = ID) -> AccountVerdict:
    return read_account(payload, unipile_account_id=unipile_account_id)


def payload(**changes: Any) -> dict[str, Any]:
    return linkedin_account(ID, **changes)


@pytest.mark.parametrize(
    ("im", "omit", "is_premium", "has_sales_navigator"),
    [
        ({"premiumFeatures": ["recruiter"]}, (), True, False),
        ({"premiumFeatures": ["a_feature_of_next_year"]}, (), True, False),
        ({"premiumFeatures": ["premium", "sales_navigator"]}, (), True, True),
        ({"premiumFeatures": [], "premiumId": "ACwAAB"}, (), True, False),
        ({"premiumId": "ACwAAB"}, ["premiumFeatures"], True, False),
        ({"premiumFeatures": [], "premiumId": None}, (), False, False),
        ({"premiumFeatures": None, "premiumId": None}, (), False, False),
        ({"premiumId": None}, ["premiumFeatures"], False, False),
        ({"premiumFeatures": [], "premiumContractId": "2000000003"}, (), False, False),
    ],
)
def test_flags_come_from_features_or_premium_id(
    im: dict[str, Any], omit: list[str], is_premium: bool, has_sales_navigator: bool
) -> None:
    flags = read(payload(im=im, omit=omit)).copy

    assert flags == {"is_premium": is_premium, "has_sales_navigator": has_sales_navigator}


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["OK", "OK"], "connected"),
        (["OK", "CONNECTING"], None),
        (["A_STATUS_OF_NEXT_YEAR"], None),
        ([], None),
    ],
)
def test_only_ok_sources_prove_a_connection(statuses: list[str], status: str | None) -> None:
    verdict = read(payload(statuses=statuses, premium_features=["premium"]))

    assert verdict.status == status
    assert verdict.flags["is_premium"] is True


@pytest.mark.parametrize("account", [payload(omit=["sources"]), payload() | {"sources": None}])
def test_flags_are_read_without_sources(account: dict[str, Any]) -> None:
    verdict = read(account)

    assert verdict.status is None
    assert verdict.flags["is_premium"] is False


def test_account_without_plan_has_no_flags() -> None:
    assert read(payload(omit=NO_KEYS)).flags == {}


@pytest.mark.parametrize(
    "account",
    [
        payload() | {"type": "WHATSAPP"},
        payload(statuses=["CREDENTIALS"]) | {"type": "MAIL"},
    ],
)
def test_other_providers_give_no_verdict(account: dict[str, Any]) -> None:
    with pytest.raises(UnipileNotLinkedIn, match=ID):
        read(account)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        payload() | {"object": "AccountList"},
        {key: value for key, value in payload().items() if key != "id"},
        payload() | {"id": "another-account-of-them"},
        payload(omit=["type"]),
        payload(omit=["connection_params"]),
        payload() | {"connection_params": {"im": []}},
        payload() | {"sources": [{}]},
        payload(im={"premiumFeatures": "premium"}),
        payload(im={"premiumFeatures": [None]}),
        payload(im={"id": 5}),
        payload(statuses=["CREDENTIALS"], im={"premiumFeatures": "premium"}),
    ],
)
def test_answer_that_is_not_promised_gives_no_verdict(answer: Any) -> None:
    with pytest.raises(UnipileUnexpectedAnswer, match=ID):
        read(answer)


@pytest.mark.parametrize(
    "account",
    [
        payload(statuses=["OK", "CREDENTIALS"], premium_features=["premium"]),
        payload(statuses=["CREDENTIALS"], omit=NO_KEYS),
    ],
)
def test_lost_login_is_a_verdict_without_flags(account: dict[str, Any]) -> None:
    assert read(account) == AccountVerdict(
        status="credentials_required",
        reason=f"Unipile account {ID} is logged out of LinkedIn.",
        linkedin_id=account["connection_params"]["im"]["id"],
        created_at=datetime(2026, 7, 1, 12, 50, 22, 378000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (" ACoAA\0B ", "ACoAAB"),
        ("", None),
        (None, None),
        ("A" * 256, None),
    ],
)
def test_linkedin_id_is_never_cut(member: str | None, expected: str | None) -> None:
    assert read(payload(im={"id": member})).linkedin_id == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01T12:50:22.378Z", datetime(2026, 7, 1, 12, 50, 22, 378000, tzinfo=UTC)),
        ("2026-07-01T12:50:22", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_moment_of_creation_needs_its_zone(text: str | None, expected: datetime | None) -> None:
    assert read(payload() | {"created_at": text}).created_at == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("  Mara\n", "Mara"),
        ("Mara \ud83d", "Mara"),
        ("é" * 300, "é" * 255),
        (None, None),
    ],
)
def test_name_is_made_storable(name: str | None, expected: str | None) -> None:
    assert read(payload() | {"name": name}).name == expected


def test_absent_name_and_slug_say_nothing() -> None:
    verdict = read(payload(omit=["name", "publicIdentifier"]))

    assert verdict.name is None
    assert verdict.profile_url is None


@pytest.mark.parametrize(
    ("slug", "url"),
    [
        ("mara-feldkamp-example", "https://www.linkedin.com/in/mara-feldkamp-example"),
        ("a/../b?c=d#e", "https://www.linkedin.com/in/a%2F..%2Fb%3Fc%3Dd%23e"),
        ("mära", "https://www.linkedin.com/in/m%C3%A4ra"),
        ("  ", None),
        ("é" * 400, None),
    ],
)
def test_profile_url_is_encoded_and_never_cut(slug: str | None, url: str | None) -> None:
    assert read(payload(im={"publicIdentifier": slug})).profile_url == url


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, ([False, False], "connected")),
        (2, ([True, False], "connected")),
        (3, ([True, True], "connected")),
        (4, ([True, True], "connected")),
        (5, ([True, False], "connected")),
        (6, ([], "credentials_required")),
        (7, ([False, False], None)),
        (8, ([], None)),
    ],
)
def test_samples_are_read(number: int, expected: tuple[list[bool], str | None]) -> None:
    account = [sample for sample in samples() if sample["type"] == "LINKEDIN"][number - 1]

    verdict = read(account, account["id"])

    assert ([*verdict.flags.values()], verdict.status) == expected
    assert verdict.name == (None if verdict.reason else account["name"])


@pytest.mark.parametrize(
    "account",
    [
        payload(im={"premiumFeatures": "hidden", "proxy": {"password": "hidden"}}),
        payload(name="hidden") | {"id": "hidden"},
    ],
)
def test_errors_hold_nothing_of_the_payload(account: dict[str, Any]) -> None:
    with pytest.raises(UnipileError) as caught:
        read(account)

    assert "hidden" not in f"{caught.value} {caught.value!r} {caught.value.advice}"


def test_storable_text_is_utf_8() -> None:
    assert storable("\ud800a\0\udfffb\n").encode() == b"ab"
