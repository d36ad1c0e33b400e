from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken

from tests.helpers import api_client, make_account
from tests.unipile_accounts.api.conftest import refresh
from unipile_accounts.conf import conf
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
from unipile_sandbox import Fault, Sandbox, samples

SECRETS = ("the-key-of-the-operator", "not-a-real-password", "proxyuser", "ACoAAB", "a-member-name")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(headers={"X-Nothing": "wrong"}),
        Fault(status=500, body=b'{"type":"errors/x","detail":"not-a-real-password"}'),
        Fault(body=b'{"not-a-real-password'),
        Fault(cut=300),
    ],
)
def test_secrets_are_in_no_log_and_no_answer(
    owner: User,
    sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    monkeypatch.setattr(sandbox, "api_key", "the-key-of-the-operator")
    settings.UNIPILE_API_KEY = sandbox.api_key
    payload = next(sample for sample in samples() if sample["type"] == "LINKEDIN")
    payload["name"] = payload["connection_params"]["im"]["username"] = "a-member-name"
    payload["connection_params"]["im"]["proxy"] = {
        "host": "proxy.example.net",
        "username": "proxyuser",
        "password": "not-a-real-password",
    }
    account = make_account(owner, sandbox, payload=payload)
    sandbox.inject(fault)
    token = str(AccessToken.for_user(owner))
    caplog.set_level(logging.DEBUG)

    response = refresh(api_client(owner), account.pk)

    written = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    told = response.content.decode() + str(response.headers)
    assert "unipile_accounts.services" in written
    for secret in (*SECRETS, token, token.split(".")[2], "Traceback"):
        assert secret not in told
        assert secret not in written


def test_secrets_are_in_no_repr(account: UnipileAccount, settings: Settings) -> None:
    result = refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.API)

    told = f"{conf!r} {conf.unipile_dsn!r} {result!r}"
    assert settings.UNIPILE_API_KEY not in told
