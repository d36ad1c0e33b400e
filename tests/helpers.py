"""What tests of several modules share."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import RefreshResult
from unipile_accounts.unipile import session
from unipile_sandbox import Payload, Request, Sandbox, linkedin_account

Statements = Callable[[], AbstractContextManager[list[str]]]
PREMIUM = {"premiumFeatures": ["premium"]}


def make_account(
    user: User, sandbox: Sandbox | None = None, *, payload: dict[str, Any] | None = None, **row: Any
) -> UnipileAccount:
    """Store a row and, with a sandbox, the account at Unipile that it is about."""
    payload = payload or linkedin_account()
    if sandbox:
        sandbox.add(payload)
        member = payload.get("connection_params", {}).get("im", {}).get("id", "")
        row.setdefault("linkedin_id", member if isinstance(member, str) else "")
    return UnipileAccount.objects.create(user=user, unipile_account_id=payload["id"], **row)


def make_accounts(
    user: User, sandbox: Sandbox, payloads: Iterable[Payload], **row: Any
) -> list[UnipileAccount]:
    """Store many rows and the accounts at Unipile that they are about."""
    payloads = list(payloads)
    sandbox.load(payloads)
    return UnipileAccount.objects.bulk_create(
        [UnipileAccount(user=user, unipile_account_id=each["id"], **row) for each in payloads]
    )


def free_accounts(user: User, sandbox: Sandbox, count: int, **row: Any) -> list[UnipileAccount]:
    return make_accounts(user, sandbox, (linkedin_account() for _ in range(count)), **row)


def stored(account: UnipileAccount) -> dict[str, Any]:
    """Return the row as the database holds it, but for what every try writes down."""
    row = {**UnipileAccount.objects.values().get(pk=account.pk)}
    del row["last_tried_at"], row["last_error"]
    return row


def outcomes(results: Iterable[RefreshResult]) -> Counter[str]:
    return Counter(each.error.code if each.error else each.outcome for each in results)


def table() -> list[dict[str, Any]]:
    """Return all rows, but for what every try writes down."""
    rows = [dict(row) for row in UnipileAccount.objects.order_by("pk").values()]
    for row in rows:
        del row["last_tried_at"], row["last_error"]
    return rows


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def hold(account: UnipileAccount, **values: Any) -> Callable[[], object]:
    """Lock a row in another session, and return what writes these values and lets it go."""
    held, done = threading.Event(), threading.Event()

    def lock() -> None:
        rows = UnipileAccount.objects.filter(pk=account.pk)
        with transaction.atomic():
            list(rows.select_for_update())
            held.set()
            assert done.wait(10)
            rows.update(**values)
        connections.close_all()

    def release() -> None:
        done.set()
        thread.join()

    thread = threading.Thread(target=lock)
    thread.start()
    assert held.wait(10)
    return release


def somebody_waits() -> bool:
    """Tell whether somebody waits for a lock; on SQLite nobody can say."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def meanwhile(sandbox: Sandbox, action: Callable[[], object]) -> None:
    """Do something once, when the next answer is made up and not yet sent."""

    def act(_: Request) -> None:
        sandbox.on_answer = None
        try:
            action()
        finally:
            connections.close_all()

    sandbox.on_answer = act


def api_client(user: User) -> APIClient:
    api = APIClient(raise_request_exception=False)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return api


def error_of(response: Any, status: int) -> dict[str, Any]:
    """Return the only error of an answer that has the shape and type of its status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    answer = json.loads(response.content)
    assert set(answer) == {"type", "errors"}
    [error] = answer["errors"]
    assert set(error) - {"candidates"} == {"code", "detail", "attr"}
    assert error["detail"]
    invalid = "validation_error" if error["attr"] else "client_error"
    assert answer["type"] == ("server_error" if status >= 500 else invalid)
    return dict(error)


def forget_session() -> None:
    """Let the next question to Unipile read the environment and connect anew."""
    session.session.cache_clear()
    session.environment.cache_clear()
