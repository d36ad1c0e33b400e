from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unipile_sandbox.talking import ACCOUNTS, connect, exchange
from unipile_sandbox import Sandbox, samples

ROOT = Path(__file__).parents[2]


@contextmanager
def program(*options: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "unipile_sandbox", *options],
        cwd=ROOT,
        # Unbuffered output would hide a line that is never flushed.
        env=os.environ | {"PYTHONUNBUFFERED": ""} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_samples_until_a_signal(number: signal.Signals) -> None:
    with program("--port", "0", "--key", "k1") as process:
        line = greeting(process)
        url = line.split()[3]
        with connect(url) as connection:
            assert exchange(connection, ACCOUNTS, key="k1").json["items"] == samples()
            process.send_signal(number)
            assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0
    assert "with key k1;" in line


def test_printed_curl_upgrades_the_first_account() -> None:
    with program("--port", "0", "--verbose", UNIPILE_SANDBOX_KEY="k2") as process:
        line = greeting(process)
        _, _, method, url, _, body = shlex.split(line.partition("to upgrade: ")[2])
        with connect(url) as connection:
            exchange(connection, urlsplit(url).path, method=method, key=None, body=body)
            path = f"{ACCOUNTS}/{samples()[0]['id']}"
            payload = exchange(connection, path, key="k2").json
            fault = '{"status": 500}'
            exchange(connection, "/sandbox/faults", method="POST", key=None, body=fault)
            exchange(connection, path)
        process.terminate()
        _, log = process.communicate(timeout=10)
    assert payload["connection_params"]["im"]["premiumFeatures"] == ["premium"]
    assert log.splitlines() == [
        f"PATCH {urlsplit(url).path} -> 200",
        f"GET {path} -> 200",
        "POST /sandbox/faults -> 200",
        f"GET {path} -> fault",
    ]


def test_command_says_that_the_port_is_taken(sandbox: Sandbox) -> None:
    with program("--port", str(sandbox.port)) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (1, "")
    assert errors == f"Cannot listen on 127.0.0.1:{sandbox.port}: Address already in use\n"


def test_curls_of_the_help_work(sandbox: Sandbox) -> None:
    with program("--help") as process:
        output, _ = process.communicate(timeout=10)
    account = sandbox.add(samples()[0])
    known = "S=" + sandbox.url, "A=" + account
    steps = output.partition("All well again")[0]
    curls = [line.strip() for line in steps.splitlines() if line.startswith("       curl")]
    assert len(curls) >= 6
    for curl in curls:
        answer = subprocess.run(
            ["env", *known, "sh", "-c", f"{curl} -sS --fail-with-body"],
            capture_output=True,
            check=False,
            text=True,
            timeout=10,
        )
        assert answer.returncode == 0, (curl, answer)
