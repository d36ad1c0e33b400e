"""What is measured, and what it talks to, started and stopped."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import certifi
import trustme

from script import children
from script.postgres import Server
from script.settings_environment import isolated


@dataclass(frozen=True)
class Upstream:
    """A process that answers as Unipile does, over https when there is a certificate."""

    port: int
    authorities: Path | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.authorities else 'http'}://127.0.0.1:{self.port}"

    def set(self, **changes: float) -> dict[str, int]:
        """Change how it answers; return how many connections and requests there were so far."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        if self.authorities:
            context = ssl.create_default_context(cafile=self.authorities)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        connection.request("GET", f"/bench?{urlencode(changes)}")
        counts: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return counts


@contextmanager
def upstream(accounts: int, *, https: bool = False) -> Iterator[Upstream]:
    with tempfile.TemporaryDirectory(prefix="puffle-") as name:
        authorities, certificate = _certificates(Path(name)) if https else (None, None)
        arguments = [str(accounts), *([str(certificate)] if certificate else [])]
        process = children.start(
            [sys.executable, "-m", "bench.upstream", *arguments], stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            yield Upstream(int(process.stdout.readline()), authorities)
        finally:
            children.stop(process)


def _certificates(folder: Path) -> tuple[Path, Path]:
    authority = trustme.CA()
    # Among all the others, as in production: to read them is a part of what a connection costs.
    (folder / "authorities.pem").write_bytes(
        Path(certifi.where()).read_bytes() + authority.cert_pem.bytes()
    )
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        folder / "certificate.pem"
    )
    return folder / "authorities.pem", folder / "certificate.pem"


def environment(database: Server, unipile: Upstream) -> dict[str, str]:
    """Return the settings of production, but for a limit that is out of the way."""
    settings = isolated(
        ACCESS_TOKEN_LIFETIME="86400",
        ALLOWED_HOSTS="127.0.0.1",
        DATABASE_URL=database.url,
        DJANGO_SETTINGS_MODULE="bench.settings",
        HTTPS="0",
        # One for the whole run, so that a token is good for all of its servers.
        SECRET_KEY=_SECRET_KEY,
        THROTTLE_REFRESH="999999999/sec",
        UNIPILE_API_KEY="bench",
        UNIPILE_DSN=unipile.url,
        UNIPILE_WEBHOOK_SECRET=EVENT_SECRET,
    )
    return settings | (
        {"REQUESTS_CA_BUNDLE": str(unipile.authorities)} if unipile.authorities else {}
    )


_SECRET_KEY = secrets.token_urlsafe(50)
EVENT_SECRET = secrets.token_urlsafe(32)


def run(*arguments: str, environment: dict[str, str] | None = None, stdin: str = "") -> Any:
    """Run a module of ours and return the JSON it prints; what it logs, nobody reads."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20 * 60,
    )
    if done.returncode:
        last_lines = "\n".join(done.stderr.splitlines()[-5:])
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{last_lines}")
    return json.loads(done.stdout)
