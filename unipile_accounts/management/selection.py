"""The options that choose the accounts of a run, and the accounts that they choose."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError, CommandParser
from django.db.models.functions import Now

from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet

_OPTIONS = ("account", "user", "status", "older_than", "failed")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_options(parser: CommandParser) -> None:
    add = parser.add_argument
    statuses = UnipileAccount.Status.values
    account = "the accountId of the API; may be repeated"
    add("--account", metavar="UUID", action="append", default=[], type=UUID, help=account)
    add("--user", metavar="USERNAME", help="accounts of this user")
    add("--status", choices=statuses, metavar="STATUS", help=", ".join(statuses))
    age = "not answered for so long, or never; units: s, m, h, d"
    add("--older-than", metavar="24h", type=_duration, help=age)
    add("--failed", action="store_true", help="accounts whose last refresh failed")


def is_everything(options: dict[str, Any]) -> bool:
    """Tell whether no option narrows the selection."""
    return not any(options[name] for name in _OPTIONS)


def select_accounts(options: dict[str, Any]) -> tuple[UnipileAccountQuerySet, int]:
    """Return the accounts to which all options apply, and how many are left out.

    Left out are accounts that their owners gave up, unless options name them.
    """
    accounts = UnipileAccount.objects.all()
    if options["user"] is not None:
        accounts = accounts.owned_by(_user(options["user"]))
    if options["account"]:
        accounts = _named(accounts, options["account"])
    if options["status"]:
        accounts = accounts.filter(status=options["status"])
    if options["failed"]:
        accounts = accounts.exclude(last_error="")
    if options["older_than"] is not None:
        accounts = accounts.not_answered_since(Now() - options["older_than"])
    if options["account"] or options["status"]:
        return accounts, 0
    return accounts.readable(), accounts.given_up().count()


def _user(username: str) -> AbstractBaseUser:
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(users.normalize_username(username))
    except users.DoesNotExist as exc:
        raise CommandError(f"--user: there is no user {username!r}.", returncode=2) from exc


def _named(accounts: UnipileAccountQuerySet, pks: list[UUID]) -> UnipileAccountQuerySet:
    """Return these of the accounts. Every one must be there."""
    accounts = accounts.filter(pk__in=pks)
    found = {str(pk) for pk in accounts.values_list("pk", flat=True)}
    if missing := {str(pk) for pk in pks} - found:
        reason = f"{', '.join(missing)} does not exist, or another option excludes it."
        raise CommandError(f"--account: {reason}", returncode=2)
    return accounts


def _duration(text: str) -> timedelta:
    match = re.fullmatch("([0-9]{1,5})([smhd])", text)
    if not match:
        raise ArgumentTypeError(
            f"{text!r} is not a duration. Write up to five digits and s, m, h or d, such as 24h."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
