"""The service that is measured, and the programs that measure it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.upstream import Upstream
from script.postgres import Server
from script.serving import Service
from unipile_sandbox import Sandbox


def measured_service(database: Server, upstream: Upstream) -> Service:
    """Return the service of production, with more views to compare with."""
    return Service(
        database,
        # The sandbox is never started. `upstream` answers instead.
        Sandbox(),
        DJANGO_SETTINGS_MODULE="bench.settings",
        UNIPILE_DSN=upstream.url,
    )


def run(*arguments: str, environment: dict[str, str] | None = None, stdin: str = "") -> Any:
    """Run a module of ours, and return the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last_lines = "\n".join(done.stderr.splitlines()[-5:])
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{last_lines}")
    return json.loads(done.stdout)
