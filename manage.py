#!/usr/bin/env python
"""Django's command line for this project."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
    if "migrate" in sys.argv[1:2]:
        # A migration of a large table takes what it takes.
        os.environ.setdefault("DATABASE_TIMEOUT", "0")
    execute_from_command_line(sys.argv)
