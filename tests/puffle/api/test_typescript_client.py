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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiler and the client."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node is not installed.")
    folder = tmp_path_factory.mktemp("typescript")
    install = [npm, "install", "--no-audit", "--no-fund", f"--prefix={folder}", *PACKAGES]
    if subprocess.run(install, check=False, capture_output=True, timeout=300).returncode:
        pytest.skip("The packages of the compiler cannot be had.")
    make = ["node_modules/.bin/openapi-typescript", str(DOCUMENT), "-o", "client.ts"]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    return folder


def compiled(folder: Path, code: str) -> str:
    """Return what the compiler has to say about the code."""
    (folder / "use.ts").write_text(IMPORTS + code + "\nexport {};\n")
    compile_ = ["node_modules/.bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "use.ts"]
    done = subprocess.run(compile_, cwd=folder, check=False, capture_output=True, text=True)
    return done.stdout


def test_account_id_alone_compiles(folder: Path) -> None:
    code = "\n".join(
        f'const {name}: Body<"/api/unipile/{name}"> = {{ accountId }};'
        for name in ("refresh", "reconnect", "search")
    )

    assert compiled(folder, code) == ""


def test_unknown_field_does_not_compile(folder: Path) -> None:
    code = 'const body: Body<"/api/unipile/refresh"> = { accountId, Live: true };'

    assert "'Live' does not exist" in compiled(folder, code)
