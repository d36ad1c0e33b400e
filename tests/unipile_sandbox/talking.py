"""How these tests talk to a sandbox: over its socket, as any client does."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from unipile_sandbox import Sandbox, linkedin_account

KEY = "sandbox-key"
ACCOUNTS = "/api/v1/accounts"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(sandbox: Sandbox, path: str, body: object) -> Reply:
    return get(sandbox, path, method="POST", body=json.dumps(body))


def get_profile(sandbox: Sandbox, account_id: str) -> Reply:
    return get(sandbox, f"/api/v1/users/me?{urlencode({'account_id': account_id})}")


def connect(url: str, timeout: float = 10) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout))


def exchange(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    key: str | None = KEY,
    body: str | bytes | None = None,
) -> Reply:
    connection.request(method, path, body, {} if key is None else {"X-API-KEY": key})
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def get(sandbox: Sandbox, path: str, **kwargs: Any) -> Reply:
    with connect(sandbox.url) as connection:
        return exchange(connection, path, **kwargs)


def get_account(sandbox: Sandbox, account_id: str) -> Reply:
    return get(sandbox, f"{ACCOUNTS}/{quote(account_id, safe='')}")


def get_page(sandbox: Sandbox, **parameters: object) -> Any:
    reply = get(sandbox, f"{ACCOUNTS}?{urlencode(parameters)}")
    assert reply.status == 200
    return reply.json


def control(sandbox: Sandbox, method: str, path: str, body: object = None) -> Reply:
    text = None if body is None else json.dumps(body)
    return get(sandbox, f"/sandbox{path}", method=method, key=None, body=text)


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


def fill(sandbox: Sandbox, count: int) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(count))


def statuses(sandbox: Sandbox, *paths: str) -> list[int]:
    return [get(sandbox, ACCOUNTS + path).status for path in paths]
