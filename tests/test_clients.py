"""The clients of docs/clients.md, as they are printed there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.helpers import make_account
from unipile_sandbox import Sandbox

CLIENTS = Path(__file__).resolve().parents[1] / "docs" / "clients.md"
PASSWORD = "not-a-real-one"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(
    live_server: LiveServer, sandbox: Sandbox, settings: Settings
) -> Iterator[subprocess.Popen[str]]:
    """Run the Python of the page, with another address, password and pause."""
    make_account(User.objects.create_user("lena", password=PASSWORD), sandbox)
    settings.PUBLIC_URL = live_server.url
    settings.ALLOWED_HOSTS = ["*"]
    [code] = re.findall(r"```python\n(.*?)```", CLIENTS.read_text(), flags=re.DOTALL)
    for printed, ours in {
        "https://puffle.example": live_server.url,
        '"…"': repr(PASSWORD),
        "time.sleep(10)": "time.sleep(0.05)",
    }.items():
        assert printed in code
        code = code.replace(printed, ours)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_python_client_refreshes_the_new_account(
    client: subprocess.Popen[str], sandbox: Sandbox
) -> None:
    assert client.stdout
    link = client.stdout.readline().split()[-1]

    sandbox.log_in(link, name="Mara Feldkamp", premium_features=["premium"])

    out, err = client.communicate(timeout=30)
    assert "'is_premium': True" in out, err
    assert client.returncode == 0
