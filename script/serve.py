"""Serve on 127.0.0.1 until Ctrl-C.

Serve for real with UNIPILE_DSN and UNIPILE_API_KEY in the environment or in `.env`. Without
UNIPILE_DSN serve a demo with a database of its own, invented customers and Unipile's sandbox.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import environ
import urllib3

from script import children, tour
from script.children import StartError
from script.programs import Programs, run
from script.settings_environment import isolated

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"
LOOPBACK = {
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "DJANGO_SETTINGS_MODULE": "puffle.settings",
    "HTTPS": "0",
    "LOG_JSON": "0",
}
ONE_DAY = "86400"
_OF_THE_COMMAND = ("DATABASE_URL", "UNIPILE_DSN", "UNIPILE_API_KEY")


def main() -> int:
    try:
        with _listener() as listener, Programs() as programs:
            _serve(programs, listener)
    except (OSError, urllib3.exceptions.HTTPError) as exc:
        raise StartError(exc) from exc
    return 0


@contextmanager
def _listener() -> Iterator[socket.socket]:
    """Take the port before anything else is done."""
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise StartError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", int(text)))
            listener.listen(1024)
        except OSError as exc:
            raise StartError(
                f"Cannot serve on 127.0.0.1:{text}: {exc.strerror}."
                " Choose another port: PORT=8001 script/server"
            ) from exc
        yield listener


def _serve(programs: Programs, listener: socket.socket) -> None:
    # An empty key would hide the file's. An empty UNIPILE_DSN asks for the demo.
    if not os.environ.get("SECRET_KEY"):
        os.environ.pop("SECRET_KEY", None)
    environ.Env.read_env(ENV_FILE)
    if os.environ.get("UNIPILE_DSN"):
        _serve_for_real(programs, listener)
    else:
        _serve_demo(programs, listener)


def _serve_for_real(programs: Programs, listener: socket.socket) -> None:
    if not os.environ.get("UNIPILE_API_KEY"):
        raise StartError("UNIPILE_DSN is set, but UNIPILE_API_KEY is not. Set both, or neither.")
    if not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = _write_secret_key()
    environment = {**LOOPBACK, **os.environ, "DEBUG": "0"}
    run("manage.py", "migrate", "--no-input", "--verbosity=0", environment=environment)
    url = programs.start_server(listener, environment)
    print(f"Serving on {url} (Ctrl-C stops). Make the first staff user with")
    print("  .venv/bin/python manage.py createsuperuser")
    programs.watch()


def _write_secret_key() -> str:
    """Keep a new SECRET_KEY in `.env`, which only its owner can read from then on."""
    key = secrets.token_urlsafe(50)
    text = ENV_FILE.read_text() if ENV_FILE.exists() else ""
    # The file may have an empty key already.
    lines = [line for line in text.splitlines() if not re.match(r"(export )?SECRET_KEY=", line)]
    ENV_FILE.touch(mode=0o600)
    ENV_FILE.chmod(0o600)
    ENV_FILE.write_text("\n".join([*lines, f"SECRET_KEY={key}", ""]))
    print("There was no SECRET_KEY. A new one is now in .env, readable by its owner only.")
    return key


def _serve_demo(programs: Programs, listener: socket.socket) -> None:
    if os.environ.get("UNIPILE_API_KEY"):
        print("UNIPILE_API_KEY is set, but UNIPILE_DSN is not: this is the demo.")
    port = listener.getsockname()[1]
    log = ROOT / f"demo-{port}.log"
    api_key = secrets.token_urlsafe(16)
    sandbox_url = programs.start_sandbox(api_key)
    with tempfile.TemporaryDirectory(prefix="puffle-") as folder, log.open("wb") as file:
        environment = isolated(
            **LOOPBACK,
            ACCESS_TOKEN_LIFETIME=ONE_DAY,
            DATABASE_URL=f"sqlite:///{folder}/demo.sqlite3",
            METRICS="1",
            PUBLIC_URL=f"http://127.0.0.1:{port}",
            SECRET_KEY=secrets.token_urlsafe(50),
            UNIPILE_API_KEY=api_key,
            UNIPILE_DSN=sandbox_url,
            UNIPILE_WEBHOOK_SECRET=secrets.token_urlsafe(32),
        )
        run("manage.py", "migrate", "--no-input", "--verbosity=0", environment=environment)
        demo: dict[str, Any] = json.loads(run("-m", "script.demo", environment=environment))
        url = programs.start_server(listener, environment, log=file)
        run("manage.py", "register_unipile_webhook", environment=environment)
        settings = {name: environment[name] for name in _OF_THE_COMMAND}
        tour.show(url, sandbox_url=sandbox_url, demo=demo, settings=settings)
        print(f"\nThe log is in {log}")
        print("Ctrl-C stops everything and removes the demo's database.", flush=True)
        programs.watch()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    children.run(main)
