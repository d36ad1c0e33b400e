from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipile_accounts.payloads.notice import AccountEvent, HostedNotice, read_notice

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
STATUS = {"account_id": ID, "message": "CREDENTIALS", "account_type": "LINKEDIN"}
NOTICE = {"status": "CREATION_SUCCESS", "account_id": ID, "name": "token"}


def read(notice: Any) -> AccountEvent | HostedNotice:
    return read_notice(json.dumps(notice).encode())


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        ({"AccountStatus": STATUS}, AccountEvent(ID, "LINKEDIN", "CREDENTIALS")),
        (
            {"AccountStatus": {**STATUS, "message": "SYNC_SUCCESS", "product": "recruiter"}},
            AccountEvent(ID, "LINKEDIN", "SYNC_SUCCESS"),
        ),
        (
            {"AccountStatus": {**STATUS, "account_type": "WHATSAPP", "message": "of next year"}},
            AccountEvent(ID, "WHATSAPP", "of next year"),
        ),
        ({"AccountStatus": STATUS, **NOTICE}, AccountEvent(ID, "LINKEDIN", "CREDENTIALS")),
        (NOTICE, HostedNotice("CREATION_SUCCESS", ID, "token")),
        ({**NOTICE, "brand_new": [1]}, HostedNotice("CREATION_SUCCESS", ID, "token")),
        ({**NOTICE, "status": "RECONNECTED"}, HostedNotice("RECONNECTED", ID, "token")),
        ({**NOTICE, "name": None}, HostedNotice("CREATION_SUCCESS", ID, "")),
        ({**NOTICE, "name": "to\0ken"}, HostedNotice("CREATION_SUCCESS", ID, "")),
        ({"status": "RECONNECTED", "account_id": ID}, HostedNotice("RECONNECTED", ID, "")),
    ],
)
def test_both_shapes_of_a_notice_are_read(notice: Any, event: object) -> None:
    assert read(notice) == event


@pytest.mark.parametrize(
    "notice",
    [
        None,
        5,
        "AccountStatus",
        [],
        [{"AccountStatus": STATUS}],
        {},
        {"AccountStatus": None},
        {"AccountStatus": []},
        {"AccountStatus": {}},
        {"AccountStatus": {**STATUS, "account_id": None}},
        {"AccountStatus": {**STATUS, "account_id": ""}},
        {"AccountStatus": {**STATUS, "account_id": "a\0b"}},
        {"AccountStatus": {**STATUS, "account_id": "\ud800"}},
        {"AccountStatus": {**STATUS, "account_id": "a" * 1001}},
        {"AccountStatus": {**STATUS, "message": ["OK"]}},
        {"AccountStatus": {**STATUS, "account_type": 1}},
        {"AccountStatus": {}, **NOTICE},
        {**NOTICE, "account_id": 5},
        {**NOTICE, "account_id": ""},
        {**NOTICE, "status": None},
        {"status": "CREATION_SUCCESS", "name": "token"},
    ],
)
def test_other_json_is_no_notice(notice: Any) -> None:
    with pytest.raises(ValueError, match=r"^A|^The body"):
        read(notice)


@pytest.mark.parametrize(
    "body", [b"", b"status=OK", b"{", b"\xff\xff", b"[" * 100_000, b"9" * 5000]
)
def test_body_that_is_no_json_is_no_notice(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_notice(body)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_give_a_notice_or_a_value_error(body: bytes) -> None:
    try:
        read_notice(body)
    except ValueError:
        return
    raise AssertionError(body)
