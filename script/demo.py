"""Fill the empty database of the demo with invented customers and their accounts.

Print what the tour needs, as JSON. The environment names the demo's database and sandbox.
"""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import suppress

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from unipile_accounts.exceptions import UnipileError  # noqa: E402
from unipile_accounts.models import UnipileAccount  # noqa: E402
from unipile_accounts.results import Door  # noqa: E402
from unipile_accounts.services import refresh_account  # noqa: E402
from unipile_sandbox import samples  # noqa: E402

# He has just bought LinkedIn Premium, and our row does not know it yet.
_UPGRADED = "Tobin Arrowood"
# She has bought Sales Navigator, and Unipile's copy does not know it.
_UPGRADED_AT_LINKEDIN = "Mara Feldkamp"
_FIRST_CUSTOMER = ("Mara Feldkamp", "Tobin Arrowood", "Ilse Quandt", "Sunniva Brandt")
# The sandbox lacks this account, as if it was deleted at Unipile.
_GONE = {"id": "u5GnWq1EToy7Lc3ZsXbK9A", "name": "Odile Marchetti"}


def main() -> None:
    passwords = {name: secrets.token_urlsafe(9) for name in ("lena", "omar", "admin")}
    lena = User.objects.create_user("lena", password=passwords["lena"])
    omar = User.objects.create_user("omar", password=passwords["omar"])
    User.objects.create_superuser("admin", password=passwords["admin"])
    accounts = {}
    for sample in (*samples(), _GONE):
        name = str(sample["name"])
        owner = lena if name in _FIRST_CUSTOMER else omar
        account = accounts[name] = UnipileAccount.objects.create(
            user=owner, unipile_account_id=sample["id"], name=name
        )
        if name != _UPGRADED:
            # Accounts that are logged out, still connecting or gone fail.
            with suppress(UnipileError):
                refresh_account(UnipileAccount.objects.all(), account.pk, door=Door.COMMAND)
    upgraded, at_linkedin = accounts[_UPGRADED], accounts[_UPGRADED_AT_LINKEDIN]
    summary = {
        "account_id": str(upgraded.pk),
        "unipile_account_id": upgraded.unipile_account_id,
        "name": upgraded.name,
        "owner": "lena",
        "at_linkedin": {"account_id": str(at_linkedin.pk), "name": at_linkedin.name},
        "passwords": passwords,
    }
    json.dump(summary, sys.stdout)


if __name__ == "__main__":
    main()
