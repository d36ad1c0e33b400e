from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from unipile_accounts.exceptions import UnipileError
from unipile_accounts.services import delete_webhooks, register_webhook


class Command(BaseCommand):
    help = "Have Unipile send the events of its accounts to PUBLIC_URL, unless it does already."
    # A missing setting is one line of the run itself.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="have Unipile send no more events to PUBLIC_URL"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._delete() if options["delete"] else self._register()
        except UnipileError as exc:
            raise CommandError(f"{exc} {exc.next_step}", returncode=2) from exc

    def _delete(self) -> None:
        ids = delete_webhooks()
        self.stdout.write(f"Deleted: {', '.join(ids)}." if ids else "There was no webhook of ours.")

    def _register(self) -> None:
        found = register_webhook()
        webhooks = [webhook for webhook in found if webhook.state != "replaced"]
        for webhook in found:
            self.stdout.write(f"Webhook {webhook.webhook_id}: {webhook.state}.")
            for fault in webhook.faults:
                self.stderr.write(f"Webhook {webhook.webhook_id}: {fault}.")
        if len(webhooks) > 1:
            self.stderr.write("There are several, so each event comes several times.")
        if len(webhooks) > 1 or any(webhook.faults for webhook in webhooks):
            raise CommandError("Run it with --delete, and then once more without.")
