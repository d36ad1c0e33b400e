"""The life of an account over HTTP, to play with curl and a browser."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import urllib3

from script.children import StartError

_BOLD = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def show(
    base_url: str, *, sandbox_url: str, demo: dict[str, Any], settings: dict[str, str]
) -> None:
    """Print the tour. The command works on the demo with `settings` in its environment."""
    login = {"username": demo["owner"], "password": demo["passwords"][demo["owner"]]}
    token = _post(f"{base_url}/api/token", login)["access"]
    api = f"{base_url}/api/unipile"
    question = {"accountId": demo["account_id"]}
    answer = _post(f"{api}/refresh", question, token)
    link = _post(f"{api}/connect", None, token)["url"]
    account = f"{sandbox_url}/sandbox/accounts/{demo['unipile_account_id']}"
    features = json.dumps({"premiumFeatures": ["premium", "sales_navigator"]})
    name, owner = demo["name"], demo["owner"].title()
    _heading(f"{name} has bought LinkedIn Premium. {owner} refreshes:")
    _curl(f"{api}/refresh", question, token)
    print(f"\nHTTP 200\n{json.dumps(answer, indent=2, ensure_ascii=False)}")
    _heading("Buy Sales Navigator, then paste the curl above once more, and again:")
    print(f"curl -X PATCH {account} -d '{features}'")
    upgraded = demo["at_linkedin"]
    _heading(f"{upgraded['name']} has bought Sales Navigator, which only LinkedIn shows. Ask it:")
    _curl(f"{api}/refresh", {"accountId": upgraded["account_id"], "live": True}, token)
    _heading(f"{name} looks for people:")
    _curl(f"{api}/search", {**question, **_SEARCH}, token)
    _heading(f"Connect another account as {owner}: open this, and log somebody in:")
    print(link)
    _heading("The account is in the list, with its limits:")
    print(f"curl {api}/accounts \\\n  -H 'Authorization: Bearer {token}'")
    _heading(f"{name} loses the login. Unipile sends an event, so look at the list again:")
    print(f"curl -X POST {account}/log-out")
    _heading("Reconnect: open the url that this prints. The account is the same afterwards:")
    _curl(f"{api}/reconnect", question, token)
    _heading("Look around:")
    logins = [f"{name} / {password}" for name, password in demo["passwords"].items()]
    print(f"Admin      {base_url}/admin/  {logins.pop()}")
    print(f"API docs   {base_url}/api/docs")
    print(f"Metrics    {base_url}/metrics")
    print(f"Customers  {'  '.join(logins)}")
    print(
        f"Sandbox    {sandbox_url}/sandbox  (.venv/bin/python -m unipile_sandbox --help breaks it)"
    )
    _heading("Refresh all accounts, as every night:")
    variables = " ".join(f"{name}={value}" for name, value in settings.items())
    print(f"DEBUG=1 {variables} \\\n  .venv/bin/python manage.py refresh_unipile_accounts")


_SEARCH = {
    "title": "Director",
    "location": ["Exampletown, Sampleland"],
    "companyHeadcount": ["11-50"],
    "limit": 25,
}


def _curl(url: str, body: object, token: str) -> None:
    print(f"curl -X POST {url} \\")
    print(f"  -H 'Authorization: Bearer {token}' \\")
    print(f"  -H 'Content-Type: application/json' -d '{json.dumps(body)}'")


def _heading(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m\n" if _BOLD else f"\n{text}\n")


def _post(url: str, body: object, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = urllib3.request("POST", url, json=body, headers=headers, retries=False, timeout=30)
    if answer.status != 200:
        raise StartError(f"POST {url} answered {answer.status}: {answer.data.decode()}")
    return answer.json()
