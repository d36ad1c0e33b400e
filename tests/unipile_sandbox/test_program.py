from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unipile_sandbox.talking import ACCOUNTS, ask
from unipile_sandbox import Sandbox, samples

ROOT = Path(__file__).parents[2]


@contextmanager
def program(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "unipile_sandbox", *options],
        cwd=ROOT,
        # Unbuffered output would hide a line that is never flushed.
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_samples_until_a_signal(number: signal.Signals) -> None:
    with program("--port=0", "--key=k1", "--verbose") as process:
        assert process.stdout
        greeting = process.stdout.readline()
        _, _, method, url, _, body = shlex.split(greeting.partition("to upgrade: ")[2])
        listed = url.partition("/sandbox")[0] + ACCOUNTS
        assert ask("GET", listed, key="k1").json()["items"] == samples()
        ask(method, url, data=body.encode())
        upgraded = ask("GET", f"{listed}/{samples()[0]['id']}", key="k1").json()
        process.send_signal(number)
        output, log = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "")
    assert "with key k1;" in greeting
    assert upgraded["connection_params"]["im"]["premiumFeatures"] == ["premium"]
    assert f"GET {ACCOUNTS} -> 200\n" in log


def test_curls_of_the_help_work(sandbox: Sandbox) -> None:
    with program("--help") as process:
        output, _ = process.communicate(timeout=10)
    known = f"S={sandbox.url}", f"A={sandbox.add(samples()[0])}"
    steps = output.partition("All well again")[0]
    curls = [line.strip() for line in steps.splitlines() if line.startswith("       curl")]
    assert len(curls) >= 6
    for curl in curls:
        command = ["env", *known, "sh", "-c", f"{curl} -sS --fail-with-body"]
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=10)
        assert done.returncode == 0, (curl, done)
