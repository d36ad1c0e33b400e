from __future__ import annotations

import logging
import os
import signal
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django import db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.interrupts import Stopped, stop_on_signals
from unipile_accounts.management import cannot_run
from unipile_accounts.management.output import Output
from unipile_accounts.management.selection import add_options, is_everything, select_accounts
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_accounts

HELP = """\
Re-read accounts from Unipile and store their plan, limits, name and status.
Without options these are all accounts but those that their owners gave up."""
EXAMPLES = """\
examples:
  .venv/bin/python manage.py refresh_unipile_accounts --older-than 24h --quiet
  .venv/bin/python manage.py refresh_unipile_accounts --user lena --live --dry-run"""


class Command(BaseCommand):
    help = HELP
    # A missing setting is one line of the run itself.
    requires_system_checks = []
    # Leave Django's own options out of --help, which is one screen.
    suppressed_base_arguments = {
        "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color",
        "--force-color", "--skip-checks",
    }  # fmt: skip

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"usage": "%(prog)s [options]", "epilog": EXAMPLES}
        kwargs |= {"formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
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
        with stop_on_signals() as signals:
            try:
                self._refresh(options, signals)
            except db.Error as exc:
                raise _reason_to_end(exc) from exc
            except BrokenPipeError as exc:
                # Python flushes stdout once more at its exit, and would fail there.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                reason = "Stopped: the output was closed. What was refreshed so far is stored."
                raise cannot_run(reason) from exc
            finally:
                logger.removeFilter(_is_not_printed)

    def _refresh(self, options: dict[str, Any], signals: list[signal.Signals]) -> None:
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
        except Stopped:
            reason = f"Stopped by {signals[0].name}. What was refreshed so far is stored."
            # A shell adds 128 to the number of a signal too.
            error = CommandError(reason, returncode=128 + signals[0])
        except (UnipileNotConfigured, UnipileAuthenticationError, db.Error) as exc:
            error = _reason_to_end(exc)
        output.close(run, error)
        if error:
            raise error


def _reason_to_end(exc: Exception) -> CommandError:
    if not isinstance(exc, db.Error):
        return cannot_run(f"{exc} {getattr(exc, 'next_step', '')}".strip())
    first_line = (str(exc).strip() or type(exc).__name__).splitlines()[0]
    return cannot_run(f"The database cannot be used: {first_line}")


def _is_not_printed(record: logging.LogRecord) -> bool:
    """Leave out the log entries of refreshes, which the output shows in its own words."""
    return not hasattr(record, "door")
