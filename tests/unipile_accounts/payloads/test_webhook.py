from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipile_accounts.payloads.webhook import AccountEvent, LinkNotice, read_webhook

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"
STATUS = {"account_id": ID, "message": "CREDENTIALS", "account_type": "LINKEDIN"}
NOTICE = {"status": "CREATION_SUCCESS", "account_id": ID, "name": "token"}


def read(webhook: Any) -> AccountEvent | LinkNotice:
    return read_webhook(json.dumps(webhook).encode())


@pytest.mark.parametrize(
    ("webhook", "meaning"),
    [
        ({"AccountStatus": STATUS}, AccountEvent(ID, "CREDENTIALS")),
        ({"AccountStatus": STATUS, **NOTICE}, AccountEvent(ID, "CREDENTIALS")),
        (NOTICE, LinkNotice("CREATION_SUCCESS", ID, "token")),
    ],
)
def test_events_and_notices_are_read(webhook: Any, meaning: object) -> None:
    assert read(webhook) == meaning


@pytest.mark.parametrize(
    "webhook",
    [
        [{"AccountStatus": STATUS}],
        {"AccountStatus": {}},
        {"AccountStatus": {**STATUS, "account_id": ""}},
        {"AccountStatus": {**STATUS, "account_id": "a\0b"}},
        {"AccountStatus": {**STATUS, "message": ["OK"]}},
        {**NOTICE, "account_id": 5},
    ],
)
def test_other_json_is_neither(webhook: Any) -> None:
    with pytest.raises(ValueError, match=r"^A|^The body"):
        read(webhook)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(body=st.binary(max_size=200) | st.sampled_from([b"{", b"[" * 100_000, b"9" * 5000]))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_webhook(body)
