from __future__ import annotations

import logging
import signal
from argparse import SUPPRESS
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.interrupts import Stopped, stop_on_signals
from unipile_accounts.management.ending import (
    Ending,
    ending_of_counts,
    ending_of_error,
    ending_of_stop,
)
from unipile_accounts.management.output import Output
from unipile_accounts.management.selection import add_options, is_everything, select_accounts
from unipile_accounts.management.stream import Stream
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts


class Command(BaseCommand):
    help = (
        "Re-read accounts from Unipile and store their premium status, weekly limits, name, profile"
        " URL and status: all accounts but those that their owners gave up, unless told otherwise."
    )
    # The run itself says in one line which setting is missing.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # The list of options would bury the one line that says what is wrong.
        return super().create_parser(prog_name, subcommand, usage=SUPPRESS, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)
        parser.add_argument(
            "--live",
            action="store_true",
            help="ask LinkedIn itself for the plan, one account after the other",
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
        stdout, stderr = Stream.around(self.stdout), Stream.around(self.stderr)
        # Django writes the last line itself.
        self.stdout, self.stderr = stdout, stderr
        with stop_on_signals() as signals, _log_of_the_rest():
            try:
                ending = _run(options, signals, stdout, stderr)
            except db.Error as exc:
                ending = ending_of_error(exc)
        if ending.status:
            raise CommandError(ending.reason, returncode=ending.status)


def _run(
    options: dict[str, Any], signals: list[signal.Signals], stdout: Stream, stderr: Stream
) -> Ending:
    accounts, left_out = select_accounts(options)
    output = Output(
        stdout,
        stderr,
        total=accounts.count(),
        quiet=options["quiet"],
        as_json=options["json"],
        dry_run=options["dry_run"],
        left_out=left_out,
    )
    run = refresh_accounts(
        accounts,
        door=Door.COMMAND,
        dry_run=options["dry_run"],
        confirm_gone=options["confirm_gone"],
        live=options["live"],
        upkeep=is_everything(options),
    )
    try:
        for result in run:
            output.add(result)
        ending = ending_of_counts(failed=output.summary.failed, total=output.summary.total)
    except Stopped:
        ending = ending_of_stop(signals)
    except (UnipileNotConfigured, UnipileAuthenticationError, db.Error) as exc:
        ending = ending_of_error(exc)
    output.close(ending, requests=run.requests)
    return ending


@contextmanager
def _log_of_the_rest() -> Iterator[None]:
    """Keep log entries off the terminal that the output says in its own words."""
    log = logging.getLogger("unipile_accounts.services")
    log.addFilter(_is_said_nowhere_else)
    try:
        yield
    finally:
        log.removeFilter(_is_said_nowhere_else)


def _is_said_nowhere_else(record: logging.LogRecord) -> bool:
    """Tell entries of refreshes by the door they came through."""
    return not hasattr(record, "door")
