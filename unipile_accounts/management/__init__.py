from __future__ import annotations

from django.core.management.base import CommandError


def cannot_run(message: object) -> CommandError:
    """Return the error that ends a command with status 2."""
    return CommandError(message, returncode=2)
