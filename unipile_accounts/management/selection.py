"""Which accounts a run is about: the options that choose them, and what they choose."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError, CommandParser
from django.db.models.functions import Now

from unipile_accounts.management.ending import CANNOT_RUN
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Selection(NamedTuple):
    """The accounts of a run, and how many disconnected ones it leaves out."""

    accounts: UnipileAccountQuerySet
    left_out: int


def add_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="UUID",
        help="this account, the accountId of the API; may be given several times",
    )
    parser.add_argument("--user", metavar="USERNAME", help="accounts of this user")
    parser.add_argument(
        "--status", choices=UnipileAccount.Status.values, help="accounts with this status"
    )
    parser.add_argument(
        "--older-than",
        metavar="24h",
        help="accounts that were not refreshed for this long, or never; units are s, m, h, d",
    )
    parser.add_argument("--failed", action="store_true", help="accounts whose last refresh failed")


def select_accounts(options: dict[str, Any]) -> Selection:
    """Return the accounts to which all options apply; raise `CommandError` on wrong use.

    Accounts that their owners gave up are left out, unless options name them.
    """
    accounts = _chosen(options)
    if options["account"] or options["status"]:
        return Selection(accounts, left_out=0)
    return Selection(accounts.readable(), left_out=accounts.given_up().count())


def is_everything(options: dict[str, Any]) -> bool:
    """Tell whether no option narrows the selection."""
    names = ("account", "user", "status", "older_than", "failed")
    return not any(options[name] for name in names)


def _chosen(options: dict[str, Any]) -> UnipileAccountQuerySet:
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
        accounts = accounts.not_answered_since(Now() - _duration(options["older_than"]))
    return accounts


def _user(username: str) -> AbstractBaseUser:
    users = get_user_model()
    if not _is_text(username):
        raise _wrong_use(f"--user: {username!r} is not text.")
    try:
        return users.objects.get_by_natural_key(username)
    except users.DoesNotExist as exc:
        raise _wrong_use(f"--user: there is no user {username!r}.") from exc


def _is_text(value: str) -> bool:
    """Tell text from bytes of another encoding, which Python passes on as surrogates."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _named(accounts: UnipileAccountQuerySet, texts: list[str]) -> UnipileAccountQuerySet:
    """Return these of the accounts; every one must be there."""
    accounts = accounts.filter(pk__in=[_uuid(text) for text in texts])
    there = set(accounts.values_list("pk", flat=True))
    unknown = [text for text in texts if _uuid(text) not in there]
    if unknown:
        raise _wrong_use(f"--account: there is no account {', '.join(unknown)} to choose from.")
    return accounts


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as exc:
        raise _wrong_use(
            f"--account: {text!r} is not a UUID. The id of the admin and the API is wanted, not"
            " Unipile's."
        ) from exc


def _duration(text: str) -> timedelta:
    match = re.fullmatch("([0-9]{1,5})([smhd])", text)
    if not match:
        raise _wrong_use(
            f"--older-than: {text!r} is not a duration. Write up to five digits and s, m, h or d,"
            " such as 24h."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _wrong_use(message: str) -> CommandError:
    return CommandError(message, returncode=CANNOT_RUN)
