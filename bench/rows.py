"""Fill an empty table with accounts as they are after a pass.

    python -m bench.rows ACCOUNTS

Prints JSON: the id of each account, and a token of its owner.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402

from bench.upstream import payload  # noqa: E402
from unipile_accounts.models import UnipileAccount  # noqa: E402

USERS = 100
BATCH = 5_000


def main(accounts: int) -> None:
    users = User.objects.bulk_create(User(username=f"bench{n}") for n in range(USERS))
    tokens = [str(AccessToken.for_user(user)) for user in users]
    pairs = []
    for start in range(0, accounts, BATCH):
        numbers = range(start, min(start + BATCH, accounts))
        batch = [_account(number, users[number % USERS]) for number in numbers]
        UnipileAccount.objects.bulk_create(batch)
        pairs += [(str(row.pk), tokens[n % USERS]) for n, row in zip(numbers, batch, strict=True)]
    print(json.dumps(pairs))


def _account(number: int, user: User) -> UnipileAccount:
    at_unipile = payload(number, premium=number % 3 == 0)
    im = at_unipile["connection_params"]["im"]
    is_premium = bool(im["premiumFeatures"])
    return UnipileAccount(
        user=user,
        unipile_account_id=at_unipile["id"],
        linkedin_id=im["id"],
        name=at_unipile["name"],
        profile_url=f"https://www.linkedin.com/in/{im['publicIdentifier']}",
        is_premium=is_premium,
        has_sales_navigator=is_premium,
        weekly_connection_limit=100 if is_premium else 80,
        weekly_message_limit=150 if is_premium else 100,
        refreshed_at=timezone.now(),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
