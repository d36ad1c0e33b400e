from __future__ import annotations

import logging
import os
import sys
from typing import Any

from django import db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.interrupts import Stopped, stop_on_signals
from unipile_accounts.management.output import Output
from unipile_accounts.management.selection import add_options, is_everything, select_accounts
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts


class Command(BaseCommand):
    help = (
        "Re-read accounts from Unipile and store their plan, limits, name and status. Without"
        " options these are all accounts but those that their owners gave up."
    )
    # A missing setting is one line of the run itself.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = (
            "Examples: refresh_unipile_accounts --older-than 24h --quiet;"
            " refresh_unipile_accounts --user lena --live --dry-run"
        )
        add_options(parser)
        for name, meaning in {
            "--live": "ask LinkedIn itself, one account after the other",
            "--confirm-gone": "mark what Unipile lost, however many they are",
            "--dry-run": "print what would change, and write nothing",
            "--quiet": "print nothing but what failed",
            "--json": "print one object for each account, then a summary",
        }.items():
            parser.add_argument(name, action="store_true", help=meaning)

    def handle(self, *args: Any, **options: Any) -> None:
        logger = logging.getLogger("unipile_accounts.services")
        logger.addFilter(_is_not_printed)
        try:
            with stop_on_signals():
                self._refresh(options)
        except db.Error as exc:
            raise _reason_to_end(exc) from exc
        except BrokenPipeError as exc:
            # Python flushes stdout once more at its exit, and would fail there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            reason = "Stopped: the output was closed. What was refreshed so far is stored."
            raise CommandError(reason, returncode=2) from exc
        finally:
            logger.removeFilter(_is_not_printed)

    def _refresh(self, options: dict[str, Any]) -> None:
        accounts, left_out = select_accounts(options)
        output = Output(self.stdout, self.stderr, options, accounts.count(), left_out)
        run = refresh_accounts(
            accounts,
            door=Door.COMMAND,
            dry_run=options["dry_run"],
            confirm_gone=options["confirm_gone"],
            live=options["live"],
            upkeep=is_everything(options),
        )
        error = None
        try:
            for result in run:
                output.add(result)
            if failed := output.summary.failed:
                error = CommandError(f"{failed} of {output.summary.total} accounts failed.")
        except Stopped as exc:
            reason = f"Stopped by {exc}. What was refreshed so far is stored."
            # A shell adds 128 to the number of a signal too.
            error = CommandError(reason, returncode=128 + exc.signal)
        except (UnipileNotConfigured, UnipileAuthenticationError, db.Error) as exc:
            error = _reason_to_end(exc)
        output.close(run, error)
        if error:
            raise error


def _reason_to_end(exc: Exception) -> CommandError:
    reason = f"{exc} {getattr(exc, 'next_step', '')}".strip()
    if isinstance(exc, db.Error):
        first_line = str(exc).partition("\n")[0]
        reason = f"The database cannot be used: {first_line}"
    return CommandError(reason, returncode=2)


def _is_not_printed(record: logging.LogRecord) -> bool:
    """Leave out the log entries of refreshes, which the output shows in its own words."""
    return not hasattr(record, "door")
