from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileError
from unipile_accounts.services import delete_webhooks, register_webhook


class Command(BaseCommand):
    help = "Have Unipile send every event of its accounts to PUBLIC_URL."
    # A missing setting is one line of the run itself.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="have Unipile send no more events to PUBLIC_URL"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["delete"]:
                for webhook_id, outcome in register_webhook().items():
                    self.stdout.write(f"Webhook {webhook_id}: {outcome}.")
            elif ids := delete_webhooks():
                self.stdout.write(f"Deleted: {', '.join(ids)}.")
            else:
                self.stdout.write("There was no webhook of ours.")
        except UnipileError as exc:
            raise CommandError(f"{exc} {exc.next_step}", returncode=2) from exc
