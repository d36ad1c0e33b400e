"""How these tests talk to a sandbox: over its socket, as any client does."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from unipile_sandbox import Sandbox, linkedin_account

ACCOUNTS = "/api/v1/accounts"


def ask(
    method: str, url: str, *, key: str | None = "sandbox-key", **options: Any
) -> requests.Response:
    headers = {"X-API-KEY": key} if key else {}
    return requests.request(
        method, url, headers=headers, allow_redirects=False, timeout=10, **options
    )


def get(sandbox: Sandbox, path: str, **options: Any) -> requests.Response:
    return ask("GET", sandbox.url + path, **options)


def post(sandbox: Sandbox, path: str, body: object, **query: object) -> requests.Response:
    return ask("POST", sandbox.url + path, json=body, params=query)


def control(sandbox: Sandbox, method: str, path: str, body: object = None) -> requests.Response:
    return ask(method, f"{sandbox.url}/sandbox{path}", key=None, json=body)


def get_account(sandbox: Sandbox, account_id: str) -> requests.Response:
    return get(sandbox, f"{ACCOUNTS}/{quote(account_id, safe='')}")


def get_page(sandbox: Sandbox, **query: object) -> Any:
    return get(sandbox, ACCOUNTS, params=query).json()


def get_profile(sandbox: Sandbox, account_id: str) -> requests.Response:
    return get(sandbox, "/api/v1/users/me", params={"account_id": account_id})


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


def messages(receiver: Sandbox) -> list[str]:
    """Return what was heard: the word of an event, and of a notice with its name."""
    return [_message(request.json) for request in receiver.requests]


def _message(body: dict[str, Any]) -> str:
    if "AccountStatus" not in body:
        return f"{body['status']} of {body.get('name')}"
    status = body["AccountStatus"]
    return "/".join(filter(None, [status["message"], status.get("product")]))


def error_of(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("errors/")


def fill(sandbox: Sandbox, count: int) -> None:
    sandbox.load(linkedin_account(f"account-{number}") for number in range(count))
