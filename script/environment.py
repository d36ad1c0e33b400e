"""Install requirements into .venv with the Python that runs this, then run the Python in there.

    python script/environment.py requirements.txt [ARGUMENTS OF PYTHON]

Needs nothing but the standard library. A second run installs nothing; an install that was cut
short is started over.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
# A folder without this file was made by somebody else, who may still want it.
MADE_BY = VENV / "made-by.txt"
UNFINISHED = VENV / "unfinished"

# A moved or copied .venv does not work, and neither does one of another Python.
IDENTITY = f"{ROOT}\n{sys.version}\n"
# They would send the packages elsewhere, or nowhere.
MISLEADING = ("PIP_DRY_RUN", "PIP_PREFIX", "PIP_PYTHON", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


class InstallError(Exception):
    """What went wrong, in one line."""


def main(requirements: str, *arguments: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with _one_at_a_time():
            ensure_installed(requirements)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except InstallError as exc:
        sys.exit(str(exc))
    except OSError as exc:
        sys.exit(f"Cannot install into {VENV}: {exc.strerror or exc}.")
    if arguments:
        os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another install in this folder.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def ensure_installed(requirements: str) -> None:
    files = _with_included(requirements)
    if _is_usable() and all(_stamp(name).is_file() for name in files):
        return
    print(f"Installing {requirements} into .venv. This takes a minute, once.", flush=True)
    if not _is_usable():
        _make_venv()
    UNFINISHED.touch()
    LOG.write_text("")
    _ensure_pip()
    _run("-m", "pip", "install", "--no-input", "--no-user", "-r", requirements)
    for name in files:
        for old in VENV.glob(f"{name}.*.installed"):
            old.unlink()
        _stamp(name).touch()
    UNFINISHED.unlink()


def _with_included(requirements: str) -> list[str]:
    text = (ROOT / requirements).read_text()
    return [requirements, *re.findall(r"^-r (\S+)", text, re.MULTILINE)]


def _stamp(requirements: str) -> Path:
    digest = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()[:16]
    return VENV / f"{requirements}.{digest}.installed"


def _is_usable() -> bool:
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    return not MADE_BY.exists() or MADE_BY.read_text() == IDENTITY


def _make_venv() -> None:
    if (VENV / "pyvenv.cfg").exists() and not MADE_BY.exists():
        raise InstallError(f"{VENV} does not work and was not made by this script: move it away.")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    MADE_BY.write_text(IDENTITY)
    UNFINISHED.touch()
    venv.EnvBuilder(symlinks=True).create(VENV)


def _ensure_pip() -> None:
    if _succeeds("-c", "import pip"):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise InstallError("This Python has no ensurepip. Install it (Debian: python3-venv).")
    _run("-m", "ensurepip", "--default-pip")


def _run(*arguments: str) -> None:
    if not _succeeds(*arguments):
        lines = LOG.read_text(errors="replace").splitlines() or ["no output"]
        reason = next((line for line in reversed(lines) if line.startswith("ERROR: ")), lines[-1])
        raise InstallError(
            f"The install failed: {reason.removeprefix('ERROR: ')} (all of it: {LOG})"
        )


def _succeeds(*arguments: str) -> bool:
    environment = {name: text for name, text in os.environ.items() if name not in MISLEADING}
    with LOG.open("a") as log:
        done = subprocess.run(
            [PYTHON, *arguments],
            check=False,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return done.returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
