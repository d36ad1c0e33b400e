from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.management.base import OutputWrapper


class Stream(OutputWrapper):
    """An output that tells when it can no longer be written, instead of raising."""

    is_lost = False

    @classmethod
    def around(cls, stream: Any) -> Stream:
        """Wrap a command's own output."""
        return cls(stream)

    def write(  # type: ignore[override]  # as Django's own
        self,
        msg: str = "",
        style_func: Callable[[str], str] | None = None,
        ending: str | None = None,
    ) -> None:
        try:
            self._write(msg, style_func, ending)
        except OSError:
            # Nobody reads it, or the disk is full.
            self.is_lost = True
            self._silence()

    def _write(self, msg: str, style_func: Callable[[str], str] | None, ending: str | None) -> None:
        try:
            super().write(msg, style_func, ending)
        except UnicodeEncodeError:
            # A customer's name may have letters that cron's locale lacks.
            text = msg.encode("ascii", "backslashreplace").decode()
            super().write(text, style_func, ending)
        self.flush()

    def _silence(self) -> None:
        """Send the rest nowhere; Python and Django still write and flush at the end."""
        with suppress(OSError, AttributeError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), self.fileno())
