"""Serve on 127.0.0.1, with everything that takes, until Ctrl-C.

With UNIPILE_DSN and UNIPILE_API_KEY in the environment or in `.env`, for real. Without UNIPILE_DSN
a demo: a database of its own, invented customers, and a sandbox in Unipile's place.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import environ

from script import children, tour
from script.settings_environment import isolated

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"
LOOPBACK = {"ALLOWED_HOSTS": "127.0.0.1,localhost", "HTTPS": "0", "LOG_JSON": "0"}
ONE_DAY = "86400"
_OF_THE_COMMAND = ("DATABASE_URL", "UNIPILE_DSN", "UNIPILE_API_KEY")

Programs = dict[str, "subprocess.Popen[bytes]"]


class ServeError(Exception):
    """What is in the way, in one line."""


def main() -> int:
    children.raise_stopped_on_signals()
    programs: Programs = {}
    try:
        try:
            _serve(programs)
        finally:
            for program in reversed(programs.values()):
                children.stop(program)
    except children.Stopped as exc:
        return exc.status
    except (ServeError, tour.TourError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _serve(programs: Programs) -> None:
    with _listener() as listener:
        # An empty one would hide the file's. An empty UNIPILE_DSN asks for the demo.
        if not os.environ.get("SECRET_KEY"):
            os.environ.pop("SECRET_KEY", None)
        environ.Env.read_env(ENV_FILE)
        if os.environ.get("UNIPILE_DSN"):
            _serve_for_real(programs, listener)
        else:
            _serve_demo(programs, listener)


@contextmanager
def _listener() -> Iterator[socket.socket]:
    """Take the port before anything else is done, and for as long as it is needed."""
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ServeError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", int(text)))
            listener.listen(1024)
        except OSError as exc:
            raise ServeError(
                f"Cannot serve on 127.0.0.1:{text}: {exc.strerror}."
                " Choose another port: PORT=8001 script/server"
            ) from exc
        yield listener


def _serve_for_real(programs: Programs, listener: socket.socket) -> None:
    if not os.environ.get("UNIPILE_API_KEY"):
        raise ServeError("UNIPILE_DSN is set, but UNIPILE_API_KEY is not. Set both, or neither.")
    if not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = _write_secret_key()
    environment = {**LOOPBACK, **os.environ, "DEBUG": "0"}
    environment["DJANGO_SETTINGS_MODULE"] = "puffle.settings"
    _manage("migrate", "--no-input", "--verbosity=0", environment=environment)
    port = _start_server(programs, listener, environment)
    print(f"Serving on http://127.0.0.1:{port} (Ctrl-C stops). The first staff user is made with")
    print("  .venv/bin/python manage.py createsuperuser")
    _watch(programs)


def _write_secret_key() -> str:
    """Keep a new SECRET_KEY in `.env`, which only its owner can read from then on."""
    key = secrets.token_urlsafe(50)
    text = ENV_FILE.read_text() if ENV_FILE.exists() else ""
    # An empty one may be there already.
    lines = [line for line in text.splitlines() if not re.match(r"(export )?SECRET_KEY=", line)]
    ENV_FILE.touch(mode=0o600)
    ENV_FILE.chmod(0o600)
    ENV_FILE.write_text("\n".join([*lines, f"SECRET_KEY={key}", ""]))
    print("There was no SECRET_KEY: a new one is now in .env, readable by its owner only.")
    return key


def _serve_demo(programs: Programs, listener: socket.socket) -> None:
    if os.environ.get("UNIPILE_API_KEY"):
        print("UNIPILE_API_KEY is set, but UNIPILE_DSN is not: this is the demo.")
    port = listener.getsockname()[1]
    # One for each port, so that two demos keep their own rows.
    database = Path(f"demo-{port}.sqlite3")
    _remove(database)
    api_key = secrets.token_urlsafe(16)
    sandbox_url = _start_sandbox(programs, api_key)
    environment = isolated(
        **LOOPBACK,
        ACCESS_TOKEN_LIFETIME=ONE_DAY,
        DATABASE_URL=f"sqlite:///{database}",
        DJANGO_SETTINGS_MODULE="puffle.settings",
        METRICS="1",
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        SECRET_KEY=secrets.token_urlsafe(50),
        UNIPILE_API_KEY=api_key,
        UNIPILE_DSN=sandbox_url,
        UNIPILE_WEBHOOK_SECRET=secrets.token_urlsafe(32),
    )
    try:
        _manage("migrate", "--no-input", "--verbosity=0", environment=environment)
        demo: dict[str, Any] = json.loads(_run("-m", "script.demo", environment=environment))
        _start_server(programs, listener, environment)
        _manage("register_unipile_webhook", environment=environment)
        settings = {name: environment[name] for name in _OF_THE_COMMAND}
        tour.show(port, sandbox_url=sandbox_url, demo=demo, settings=settings)
        print("\nCtrl-C stops everything and removes the demo's database.", flush=True)
        _watch(programs)
    finally:
        _remove(database)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _start_sandbox(programs: Programs, api_key: str) -> str:
    sandbox = children.start(
        [sys.executable, "-m", "unipile_sandbox", "--port=0", f"--key={api_key}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    programs["The sandbox"] = sandbox
    assert sandbox.stdout is not None  # noqa: S101
    greeting = sandbox.stdout.readline().decode()
    found = re.search(r"http://127\.0\.0\.1:\d+", greeting)
    if not found:
        raise ServeError("The sandbox did not start.")
    return found[0]


def _start_server(programs: Programs, listener: socket.socket, environment: dict[str, str]) -> int:
    programs["The server"] = children.start(
        [
            *(sys.executable, "-m", "gunicorn", "puffle.wsgi"),
            *(f"--bind=fd://{listener.fileno()}", "--graceful-timeout=5"),
        ],
        env=environment,
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
    )
    port: int = listener.getsockname()[1]
    # Only the server's own copy is left, so nobody listens after it.
    listener.close()
    tour.wait_until_served(port, check=lambda: _check(programs))
    return port


def _watch(programs: Programs) -> None:
    while True:
        _check(programs)
        time.sleep(0.5)


def _check(programs: Programs) -> None:
    for name, program in programs.items():
        if program.poll() is not None:
            raise ServeError(f"{name} ended by itself (status {program.returncode}).")


def _manage(*arguments: str, environment: dict[str, str]) -> str:
    return _run("manage.py", *arguments, environment=environment)


def _run(*arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode:
        raise ServeError(f"{' '.join(arguments[:2])} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(errors: str) -> str:
    """What a person can use of it: the last line of a trace, else all."""
    if "Traceback" in errors:
        return next(line for line in reversed(errors.splitlines()) if line.strip())
    return errors.strip()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main())
