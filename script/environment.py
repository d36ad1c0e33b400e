"""Install requirements into .venv with the Python that runs this, then run the Python in there.

    python script/environment.py requirements.txt [ARGUMENTS OF PYTHON]

Needs nothing but the standard library. Installs nothing when neither they nor Python have changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
# JSON with name and digest of what was installed. Absent during an install.
STAMP = VENV / "installed.json"


def main(requirements: str, *arguments: str) -> None:
    lock = os.open(ROOT, os.O_RDONLY)
    # Two installs at once would break each other.
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        _install(requirements)
    except subprocess.CalledProcessError as exc:
        # pip has printed the reason.
        sys.exit(exc.returncode)
    except KeyboardInterrupt:
        sys.exit(130)
    os.close(lock)
    if arguments:
        os.execv(PYTHON, [PYTHON, *arguments])  # noqa: S606


def _install(requirements: str) -> None:
    wanted = _wanted(requirements)
    installed = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    if wanted.items() <= installed.items():
        return
    print(f"Installing {requirements} into .venv. This takes a minute, once.", flush=True)
    STAMP.unlink(missing_ok=True)
    if installed.get("Python") != sys.version:
        # Add to a folder without a stamp, which somebody else may have made.
        clear = ["--clear"] if installed else []
        _run(sys.executable, "-m", "venv", *clear, str(VENV))
        installed = {}
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "-r", requirements)
    STAMP.write_text(json.dumps(installed | wanted))


def _wanted(requirements: str) -> dict[str, str]:
    """Return the digests of a file and of those that it includes, and which Python it is."""
    included = re.findall(r"^-r (\S+)", (ROOT / requirements).read_text(), re.MULTILINE)
    digests = {
        name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        for name in (requirements, *included)
    }
    return {"Python": sys.version, **digests}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
