from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from tests.helpers import make_accounts
from unipile_sandbox import Request, Sandbox, linkedin_account

# Of a pass that stops after the first page: the next is asked for while that one is stored.
ASKED_FOR = 2

ROOT = Path(__file__).resolve().parents[3]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Run(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.objects[-1]["summary"]
        return summary

    @property
    def outcomes(self) -> dict[str, str]:
        return {each["account"]: each["outcome"] for each in self.objects[:-1]}


def run(*args: str) -> Run:
    """Run the command in this process, and write its error as manage.py does."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    try:
        call_command("refresh_unipile_accounts", *args, stdout=out, stderr=err)
    except CommandError as exc:
        err.write(f"CommandError: {exc}\n")
        status = exc.returncode
    return Run(status, out.getvalue(), err.getvalue())


class Program:
    """The command as operators start it, on this test's database."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": self._database_url(),
            "UNIPILE_DSN": sandbox.url,
            "UNIPILE_API_KEY": sandbox.api_key,
            "UNIPILE_TIMEOUT": "15",
            "PYTHONUNBUFFERED": "",
        }
        self._processes: list[subprocess.Popen[str]] = []

    def _database_url(self) -> str:
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            return f"sqlite:///{name}"
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        return self.start_python("manage.py", "refresh_unipile_accounts", *args, **options)

    def start_python(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        connection.close()
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        environment = self._environment | options.pop("env", {})
        process = subprocess.Popen([sys.executable, *args], cwd=ROOT, env=environment, **options)
        self._processes.append(process)
        return process

    def run(self, *args: str, **options: Any) -> Run:
        return self.end(self.start(*args, **options))

    def end(self, process: subprocess.Popen[str]) -> Run:
        out, err = process.communicate(timeout=60)
        return Run(process.returncode, out or "", err or "")

    def kill(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


@pytest.fixture
def program(transactional_db: None, sandbox: Sandbox) -> Iterator[Program]:
    program = Program(sandbox)
    yield program
    program.kill()


def when_asked(sandbox: Sandbox, number: int) -> threading.Event:
    """Return what is set when the sandbox has got this many requests."""
    asked = threading.Event()

    def count(request: Request) -> None:
        if sandbox.request_count >= number:
            asked.set()

    sandbox.on_answer = count
    return asked


def accounts_that_fill_a_pipe(owner: User, sandbox: Sandbox) -> None:
    """Make two pages; the JSON of the first is more than a pipe takes, so its writer waits."""
    make_accounts(owner, sandbox, (linkedin_account(name="Robin " * 40) for _ in range(300)))
