"""The programs that script/server starts."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from typing import IO, Self

import urllib3

from script import children
from script.children import StartError


class Programs:
    """Start programs that all end with the block."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._running.values()):
            children.stop(program)

    def start_sandbox(self, api_key: str) -> str:
        """Return the URL of the sandbox."""
        sandbox = self._running["The sandbox"] = children.start(
            [sys.executable, "-m", "unipile_sandbox", "--port=0", f"--key={api_key}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert sandbox.stdout is not None  # noqa: S101
        found = re.search(r"http://127\.0\.0\.1:\d+", sandbox.stdout.readline().decode())
        if not found:
            raise StartError("The sandbox did not start.")
        return found[0]

    def start_server(
        self, listener: socket.socket, environment: dict[str, str], log: IO[bytes] | None = None
    ) -> str:
        """Return the URL of the server, which logs to this terminal without `log`."""
        self._log = log.name if log else ""
        self._running["The server"] = children.start(
            [
                *(sys.executable, "-m", "gunicorn", "puffle.wsgi"),
                *(f"--bind=fd://{listener.fileno()}", "--graceful-timeout=5"),
            ],
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # The server keeps a copy of its own, so nobody listens after its end.
        listener.close()
        for _ in range(600):
            self._check()
            try:
                urllib3.request("GET", f"{url}/healthz", retries=False, timeout=2)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
            else:
                return url
        raise StartError("The server started, but does not answer.")

    def watch(self) -> None:
        """Wait until a program ends, which is an error."""
        while True:
            self._check()
            time.sleep(0.5)

    def _check(self) -> None:
        for name, program in self._running.items():
            if program.poll() is not None:
                where = f" The log is in {self._log}" if self._log else ""
                raise StartError(f"{name} ended by itself (status {program.returncode}).{where}")


def run(*arguments: str, environment: dict[str, str]) -> str:
    """Run Python to its end, and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode:
        # The last line of a trace is the only useful one.
        errors = done.stderr.strip()
        reason = errors.rpartition("\n")[2] if "Traceback" in errors else errors
        raise StartError(f"{' '.join(arguments[:2])} failed: {reason}")
    return done.stdout
