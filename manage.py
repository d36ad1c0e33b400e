#!/usr/bin/env python
"""Django's command line for this project."""

from __future__ import annotations

import os
import sys
import traceback

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# Status 1 says that a command ran and something in it failed.
COULD_NOT_RUN = 2


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        print(*str(exc).split(), file=sys.stderr)  # noqa: T201
        sys.exit(COULD_NOT_RUN)
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
