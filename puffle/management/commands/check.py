from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.commands import check


class Command(check.Command):
    """Django's, which makes the checks of a deployment wherever DEBUG is off."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        super().handle(*app_labels, **options | {"deploy": options["deploy"] or not settings.DEBUG})
