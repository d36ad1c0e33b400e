from __future__ import annotations

import logging
import re
import signal
from argparse import SUPPRESS
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import db
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.management.output import Ending, Report
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.results import Door
from unipile_accounts.services import Stopped, refresh_accounts, stop_on_signals

SOME_FAILED = 1
WRONG_USE = 2
# A shell reports a process that was ended by a signal as 128 and the signal's number.
ENDED_BY = 128

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = (
        "Re-read accounts from Unipile and store their premium status, weekly limits, name, profile"
        " URL and status: all accounts but the disconnected ones, unless told otherwise."
    )
    # The run itself says in one line which setting is missing.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # The list of options would bury the one line that says what is wrong.
        return super().create_parser(prog_name, subcommand, usage=SUPPRESS, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
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
        parser.add_argument(
            "--confirm-gone",
            action="store_true",
            help="ask for accounts that are missing from Unipile's list however many they are, and"
            " mark as disconnected those that Unipile no longer has",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and write nothing"
        )
        parser.add_argument("--quiet", action="store_true", help="say nothing but what failed")
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object per account and a summary object at the end",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with stop_on_signals() as signals, _log_of_warnings():
            try:
                accounts = _selection(options)
                total = accounts.count()
            except db.Error as exc:
                raise CommandError(_database_failed(exc), returncode=WRONG_USE) from exc
            report = Report(
                self.stdout,
                self.stderr,
                total=total,
                quiet=options["quiet"],
                as_json=options["json"],
                dry_run=options["dry_run"],
            )
            ending = _run(accounts, report, signals, options)
            report.close(ending)
        if ending.status:
            raise CommandError(ending.reason, returncode=ending.status)


def _run(
    accounts: UnipileAccountQuerySet,
    report: Report,
    signals: list[signal.Signals],
    options: dict[str, Any],
) -> Ending:
    try:
        results = refresh_accounts(
            accounts,
            door=Door.COMMAND,
            dry_run=options["dry_run"],
            confirm_gone=options["confirm_gone"],
        )
        report.count_requests_of(results)
        for result in results:
            report.add(result)
    except Stopped:
        number = signals[0] if signals else signal.SIGPIPE
        return Ending(ENDED_BY + number, _stopped_by(number))
    except UnipileNotConfigured as exc:
        return Ending(WRONG_USE, str(exc))
    except UnipileAuthenticationError as exc:
        return Ending(WRONG_USE, f"{exc} Check UNIPILE_API_KEY and UNIPILE_DSN.")
    except db.Error as exc:
        return Ending(WRONG_USE, _database_failed(exc))
    if failed := report.summary.failed:
        return Ending(SOME_FAILED, f"{failed} of {report.summary.total} accounts failed.")
    return Ending()


def _stopped_by(number: signal.Signals) -> str:
    why = f"of {number.name}"
    if number == signal.SIGPIPE:
        why = "its output cannot be written any more"
    return f"Stopped, because {why}. What was refreshed until then is stored."


def _database_failed(exc: db.Error) -> str:
    first_line = (str(exc).strip() or type(exc).__name__).splitlines()[0]
    return f"The database cannot be used: {first_line}"


@contextmanager
def _log_of_warnings() -> Iterator[None]:
    """Keep the rest of our log off the terminal: the report says it already."""
    log = logging.getLogger("unipile_accounts")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


# --- Which accounts -------------------------------------------------------------------------------


def _selection(options: dict[str, Any]) -> UnipileAccountQuerySet:
    accounts = UnipileAccount.objects.all()
    if options["user"] is not None:
        accounts = accounts.owned_by(_user(options["user"]))
    if options["account"]:
        accounts = _named(accounts, options["account"])
    if options["status"]:
        accounts = accounts.filter(status=options["status"])
    elif not options["account"]:
        accounts = accounts.readable()
    if options["older_than"] is not None:
        before = accounts.database_time() - _duration(options["older_than"])
        accounts = accounts.not_refreshed_since(before)
    return accounts


def _user(username: str) -> AbstractBaseUser:
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(username)
    except users.DoesNotExist as exc:
        raise _wrong_use(f"--user: there is no user {username!r}.") from exc


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
    return CommandError(message, returncode=WRONG_USE)
