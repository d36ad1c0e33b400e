"""Start and stop other programs so that none is left over."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

_PR_SET_PDEATHSIG = 1


class StartError(Exception):
    """Something did not start, for the reason in the message."""


class _Stopped(KeyboardInterrupt):
    """A signal asked this process to end."""


def run(main: Callable[[], int]) -> None:
    """End this process with the status of its main function, and all that it started before."""
    _raise_on_signals()
    try:
        sys.exit(main())
    except _Stopped as exc:
        sys.exit(128 + exc.args[0])
    except StartError as exc:
        sys.exit(str(exc))


def _raise_on_signals() -> None:
    """Let Ctrl-C, a kill and a closed terminal raise `_Stopped`, once."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    # nohup ignores SIGHUP on purpose.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped(number)

    for number in numbers:
        signal.signal(number, stop)


def start(
    command: Sequence[str], *, last_signal: signal.Signals = signal.SIGTERM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only this process.

    When this process is killed, Linux sends the program `last_signal`.
    """

    def follow_parent() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, last_signal)

    return subprocess.Popen(command, start_new_session=True, preexec_fn=follow_parent, **options)  # noqa: PLW1509


def stop(
    process: subprocess.Popen[bytes],
    *,
    with_signal: signal.Signals = signal.SIGTERM,
    patience: float = 10,
) -> None:
    """Ask a program to end. After `patience` seconds end it with all that it started."""
    if process.poll() is None:
        process.send_signal(with_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def family(pid: int) -> list[int]:
    """Return the ids of a program and of those that it started. Works on Linux."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, started.split())]
