"""One pass over all accounts, in a process of its own.

    python -m bench.passes {floor,service,i-unipile-sdk,unipile-python-community} ACCOUNTS

Prints the seconds without the start of Python, and the peak of memory in MiB.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit


def floor(accounts: int) -> None:
    """Only download and decode the pages."""
    connection = http.client.HTTPConnection(urlsplit(os.environ["UNIPILE_DSN"]).netloc)
    query, seen = {"limit": "250"}, 0
    while True:
        connection.request(
            "GET", f"/api/v1/accounts?{urlencode(query)}", headers={"X-API-KEY": "k"}
        )
        page = json.loads(connection.getresponse().read())
        seen += len(page["items"])
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == accounts


def service(accounts: int) -> None:
    from unipile_accounts.models import UnipileAccount
    from unipile_accounts.results import Door
    from unipile_accounts.services import refresh_accounts

    refreshed = 0
    for result in refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND):
        refreshed += result.outcome == "refreshed"
    assert refreshed == accounts


def _one_by_one(accounts: int, premium_features: Callable[[str], list[str] | None]) -> None:
    """One request and one save for each account."""
    from unipile_accounts.models import UnipileAccount

    for account in UnipileAccount.objects.order_by("unipile_account_id")[:accounts]:
        features = premium_features(account.unipile_account_id) or []
        account.is_premium = bool(features)
        account.has_sales_navigator = "sales_navigator" in features
        account.weekly_connection_limit = 100 if account.is_premium else 80
        account.weekly_message_limit = 150 if account.is_premium else 100
        account.save()


def i_unipile_sdk(accounts: int) -> None:
    from unipile_sdk import Client
    from unipile_sdk.models.account import LinkedinAccount

    client: Any = Client(
        auth="k",
        base_url=os.environ["UNIPILE_DSN"],
        logger=logging.getLogger("bench"),
        log_level=30,
    )

    def premium_features(account_id: str) -> list[str] | None:
        # It has a method for the list only.
        account: Any = LinkedinAccount(
            **client.request(path=f"accounts/{account_id}", method="GET")
        )
        features: list[str] | None = account.connection_params.im.premium_features
        return features

    _one_by_one(accounts, premium_features)


def unipile_python_community(accounts: int) -> None:
    from unipile import UnipileClient

    client: Any = UnipileClient(os.environ["UNIPILE_DSN"], "k")

    def premium_features(account_id: str) -> list[str] | None:
        im = client.account.get_one(account_id).connection_params.im
        features: list[str] | None = im.premium_features
        return features

    _one_by_one(accounts, premium_features)


def peak_memory() -> float:
    # ru_maxrss would begin with that of the process which started this one.
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(kibibytes) / 1024


PASSES = {
    "floor": floor,
    "service": service,
    "i-unipile-sdk": i_unipile_sdk,
    "unipile-python-community": unipile_python_community,
}


def main(name: str, accounts: int) -> None:
    if name != "floor":
        import django

        django.setup()
        from django.db import connection

        connection.ensure_connection()
    started, cpu_started = time.perf_counter(), time.process_time()
    PASSES[name](accounts)
    result = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "mebibytes": peak_memory(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
