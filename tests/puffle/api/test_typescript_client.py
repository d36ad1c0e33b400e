"""A TypeScript client that is made from openapi.yaml compiles as an agent would write it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[3] / "openapi.yaml"
PACKAGES = ["openapi-typescript@7.13.0", "typescript@5.9.3"]
IMPORTS = """\
import type { paths } from "./client";
type Json<B> = { post: { requestBody: { content: { "application/json": B } } } };
type Body<P extends keyof paths> = paths[P] extends Json<infer B> ? B : never;
const accountId = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the compiler and the client."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node is not installed.")
    options = ["--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0"]
    try:
        subprocess.run(
            [npm, "install", *options, f"--prefix={tmp_path}", *PACKAGES],
            check=True,
            capture_output=True,
            timeout=60,
        )
    except subprocess.SubprocessError:
        pytest.skip("The packages of the compiler cannot be had.")
    make = ["node_modules/.bin/openapi-typescript", str(DOCUMENT), "-o", "client.ts"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def compiled(folder: Path, code: str) -> str:
    """Return what the compiler has to say about the code."""
    (folder / "use.ts").write_text(IMPORTS + code + "\nexport {};\n")
    compile_ = ["node_modules/.bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "use.ts"]
    done = subprocess.run(compile_, cwd=folder, check=False, capture_output=True, text=True)
    return done.stdout


def test_what_an_agent_writes_compiles(folder: Path) -> None:
    alone = [
        f'const {name}: Body<"/api/unipile/{name}"> = {{ accountId }};'
        for name in ("refresh", "reconnect", "search")
    ]
    unknown = 'const body: Body<"/api/unipile/refresh"> = { accountId, Live: true };'

    assert compiled(folder, "\n".join(alone)) == ""
    assert "'Live' does not exist" in compiled(folder, unknown)
