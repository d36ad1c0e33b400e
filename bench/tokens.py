"""Print JSON: for each account its id, and a token of its owner."""

from __future__ import annotations

import json

import django


def main() -> None:
    django.setup()
    from django.contrib.auth.models import User
    from rest_framework_simplejwt.tokens import AccessToken

    from unipile_accounts.models import UnipileAccount

    tokens = {user.pk: str(AccessToken.for_user(user)) for user in User.objects.all()}
    accounts = UnipileAccount.objects.order_by("pk").values_list("pk", "user_id")
    print(json.dumps([[str(pk), tokens[user_id]] for pk, user_id in accounts]))


if __name__ == "__main__":
    main()
