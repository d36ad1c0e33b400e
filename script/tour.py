"""The life of an account over HTTP, printed so that it can be played with curl and a browser."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

_BOLD = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class TourError(Exception):
    """The server does not do what it should."""


def wait_until_served(port: int, *, check: Callable[[], None], patience: float = 60) -> None:
    """Return when the server answers. `check` is called meanwhile, and raises if it has ended."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        check()
        try:
            _send(port, "GET", "/healthz", timeout=2)
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
    raise TourError("The server started, but does not answer.")


def show(port: int, *, sandbox_url: str, demo: dict[str, Any], settings: dict[str, str]) -> None:
    """Print the tour; with `settings` in its environment the command works on the demo too."""
    base_url = f"http://127.0.0.1:{port}"
    login = {"username": demo["owner"], "password": demo["passwords"][demo["owner"]]}
    token = _send_json(port, "/api/token", login)["access"]
    question = {"accountId": demo["account_id"]}
    answer = _send_json(port, "/api/unipile/refresh", question, token=token)
    link = _send_json(port, "/api/unipile/connect", None, token=token)["url"]
    account = f"{sandbox_url}/sandbox/accounts/{demo['unipile_account_id']}"
    features = json.dumps({"premiumFeatures": ["premium", "sales_navigator"]})
    _heading(f"{demo['name']} has bought LinkedIn Premium. {demo['owner'].title()} refreshes:")
    _curl(f"{base_url}/api/unipile/refresh", question, token=token)
    print(f"\nHTTP 200\n{json.dumps(answer, indent=2, ensure_ascii=False)}")
    _heading("Buy Sales Navigator, then paste the curl above once more, and again:")
    print(f"curl -X PATCH {account} -d '{features}'")
    upgraded = demo["at_linkedin"]
    _heading(f"{upgraded['name']} has bought Sales Navigator, which only LinkedIn shows. Ask it:")
    live = {"accountId": upgraded["account_id"], "live": True}
    _curl(f"{base_url}/api/unipile/refresh", live, token=token)
    _heading(f"Connect another account as {demo['owner'].title()}: open this, and log somebody in:")
    print(link)
    _heading("The account is in the list, with its limits:")
    print(f"curl {base_url}/api/unipile/accounts \\\n  -H 'Authorization: Bearer {token}'")
    _heading(
        f"{demo['name']} loses the login. Unipile's event tells us, so look at the list again:"
    )
    print(f"curl -X POST {account}/log-out")
    _heading("Reconnect: open the url that this prints. The account is the same afterwards:")
    _curl(f"{base_url}/api/unipile/reconnect", question, token=token)
    _heading("Look around:")
    logins = [f"{name} / {password}" for name, password in demo["passwords"].items()]
    print(f"Admin      {base_url}/admin/  {logins.pop()}")
    print(f"API docs   {base_url}/api/docs")
    print(f"Metrics    {base_url}/metrics")
    print(f"Customers  {'  '.join(logins)}")
    print(f"Sandbox    {sandbox_url}/sandbox  (python -m unipile_sandbox --help breaks it)")
    _heading("Refresh all accounts, as every night:")
    variables = " ".join(f"{name}={value}" for name, value in settings.items())
    print(f"DEBUG=1 {variables} \\\n  .venv/bin/python manage.py refresh_unipile_accounts")


def _curl(url: str, body: object, *, token: str) -> None:
    print(f"curl -X POST {url} \\")
    print(f"  -H 'Authorization: Bearer {token}' \\")
    print(f"  -H 'Content-Type: application/json' -d '{json.dumps(body)}'")


def _heading(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m\n" if _BOLD else f"\n{text}\n")


def _send_json(port: int, path: str, body: object, *, token: str = "") -> Any:
    status, answer = _send(port, "POST", path, body=body, token=token)
    if status != http.client.OK:
        raise TourError(f"POST {path} answered {status}: {answer.decode(errors='replace')}")
    return json.loads(answer)


def _send(
    port: int,
    method: str,
    path: str,
    *,
    body: object = None,
    token: str = "",
    timeout: float = 30,
) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
