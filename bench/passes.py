"""One pass over all accounts, in a process of its own.

    python -m bench.passes {floor,one_by_one,service} ACCOUNTS

Prints its seconds and CPU without the start of Python, and its peak of memory in MiB, as JSON.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import django
from django.db import connection


def floor(accounts: int) -> None:
    """Only download and decode the pages."""
    unipile = http.client.HTTPConnection(urlsplit(os.environ["UNIPILE_DSN"]).netloc)
    query: dict[str, str] | None = {"limit": "250"}
    seen = 0
    while query:
        unipile.request("GET", f"/api/v1/accounts?{urlencode(query)}")
        page = json.loads(unipile.getresponse().read())
        seen += len(page["items"])
        query = {**query, "cursor": page["cursor"]} if page["cursor"] else None
    assert seen == accounts


def one_by_one(accounts: int) -> None:
    """One request and one save for each account."""
    from bench.views import refresh_plainly
    from unipile_accounts.models import UnipileAccount

    for account in UnipileAccount.objects.order_by("pk")[:accounts]:
        refresh_plainly(account)


def service(accounts: int) -> None:
    from unipile_accounts.models import UnipileAccount
    from unipile_accounts.results import Door
    from unipile_accounts.services import refresh_accounts

    refreshed = 0
    for result in refresh_accounts(UnipileAccount.objects.all(), door=Door.COMMAND):
        refreshed += result.outcome == "refreshed"
    assert refreshed == accounts


def _peak_memory() -> float:
    # ru_maxrss would begin with that of the parent process.
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(kibibytes) / 1024


def main(name: str, accounts: int) -> None:
    django.setup()
    connection.ensure_connection()
    started, cpu_started = time.perf_counter(), time.process_time()
    {"floor": floor, "one_by_one": one_by_one, "service": service}[name](accounts)
    result = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "mebibytes": _peak_memory(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
