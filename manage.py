#!/usr/bin/env python
"""Django's command line for this project."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# Status 1 says that a command ran and something in it failed.
COULD_NOT_RUN = 2


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "puffle.settings")
    if "migrate" in sys.argv[1:2]:
        # A migration of a large table takes what it takes.
        os.environ.setdefault("DATABASE_TIMEOUT", "0")
    replace_closed_streams()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        end(" ".join(str(exc).split()))
    except Exception:  # noqa: BLE001  # whatever it is, it is told in full
        end(traceback.format_exc().rstrip())


def replace_closed_streams() -> None:
    """Put a pipe that nobody reads where the shell closed stdout or stderr.

    Python sets such a stream to None, and the next file or socket would take its number.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            reader, writer = os.pipe()
            os.dup2(writer, number)
            for each in {reader, writer} - {number}:
                os.close(each)
            setattr(sys, name, open(number, "w"))  # noqa: PTH123, SIM115


def end(reason: str) -> NoReturn:
    with suppress(OSError):
        # Python would flush a stream once more at its exit, and fail there.
        os.write(2, f"{reason}\n".encode(errors="backslashreplace"))
    sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
