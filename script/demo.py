"""Fill an empty database with invented customers and their accounts, for script/server.

Print what the tour needs, as JSON. The environment names the demo's database and sandbox.
"""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import suppress
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from unipile_accounts.exceptions import UnipileError  # noqa: E402
from unipile_accounts.models import UnipileAccount  # noqa: E402
from unipile_accounts.results import Door  # noqa: E402
from unipile_accounts.services import refresh_account  # noqa: E402
from unipile_sandbox import samples  # noqa: E402

# Has just bought LinkedIn Premium, which our row does not know yet.
_UPGRADED = "Tobin Arrowood"
# Has bought Sales Navigator, which Unipile's copy does not know.
_UPGRADED_AT_LINKEDIN = "Mara Feldkamp"
_FIRST_CUSTOMER = ("Mara Feldkamp", "Tobin Arrowood", "Ilse Quandt", "Sunniva Brandt")
# Not in the sandbox, because its owner has given it up.
_GONE = {"id": "u5GnWq1EToy7Lc3ZsXbK9A", "name": "Odile Marchetti"}


def main() -> None:
    passwords = {name: secrets.token_urlsafe(9) for name in ("lena", "omar", "admin")}
    lena = User.objects.create_user("lena", password=passwords["lena"])
    omar = User.objects.create_user("omar", password=passwords["omar"])
    User.objects.create_superuser("admin", password=passwords["admin"])
    for sample in (*samples(), _GONE):
        name = str(sample["name"])
        account = UnipileAccount.objects.create(
            user=lena if name in _FIRST_CUSTOMER else omar,
            unipile_account_id=sample["id"],
            name=name,
        )
        if name == _UPGRADED:
            upgraded = account
        else:
            _bring_up_to_date(account)
    json.dump(_summary(upgraded, passwords), sys.stdout)


def _bring_up_to_date(account: UnipileAccount) -> None:
    # Some of them are logged out, still connecting or gone, and fail.
    with suppress(UnipileError):
        refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.COMMAND)


def _summary(upgraded: UnipileAccount, passwords: dict[str, str]) -> dict[str, Any]:
    at_linkedin = UnipileAccount.objects.get(name=_UPGRADED_AT_LINKEDIN)
    return {
        "account_id": str(upgraded.pk),
        "unipile_account_id": upgraded.unipile_account_id,
        "name": upgraded.name,
        "owner": upgraded.user.get_username(),
        "at_linkedin": {"account_id": str(at_linkedin.pk), "name": at_linkedin.name},
        "passwords": passwords,
    }


if __name__ == "__main__":
    main()
