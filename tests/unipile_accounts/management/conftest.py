from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from unipile_sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[3]


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

    def __init__(self, sandbox: Sandbox, ends: ExitStack) -> None:
        self._ends = ends
        self._environment = {
            **os.environ,
            "DATABASE_URL": self._database_url(),
            "UNIPILE_DSN": sandbox.url,
            "UNIPILE_API_KEY": sandbox.api_key,
            "UNIPILE_TIMEOUT": "15",
            "PYTHONUNBUFFERED": "",
        }

    def _database_url(self) -> str:
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            return f"sqlite:///{name}"
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        connection.close()
        command = [sys.executable, "manage.py", "refresh_unipile_accounts", *args]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        environment = self._environment | options.pop("env", {})
        process = subprocess.Popen(command, cwd=ROOT, env=environment, **options)
        self._ends.enter_context(process)
        self._ends.callback(process.kill)
        return process

    def run(self, *args: str, **options: Any) -> Run:
        return self.end(self.start(*args, **options))

    def end(self, process: subprocess.Popen[str]) -> Run:
        out, err = process.communicate(timeout=60)
        return Run(process.returncode, out or "", err or "")


@pytest.fixture
def program(transactional_db: None, sandbox: Sandbox) -> Iterator[Program]:
    with ExitStack() as ends:
        yield Program(sandbox, ends)
