from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import Settings

from unipile_sandbox import Sandbox, linkedin_account

ID = "k3Vd9QmTRxS1aLw0ZbYc7A"

# Of localhost, made for these tests, valid until 2126.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPnPvgBK++L+zdo9R
FqbhKdOEy4mwLh3jxuVbfwy3tQ+hRANCAATIJlg4pHDUMMCvsrY+351PiKEKN59D
lKR5eRNfcS85RmZdvky7TOPJCZDSokvDdFggRwO3IZstOndF04ukt4Rc
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUAqGzNIeFVDdOni1lXQ2H+hmrKIEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA3MzIxN1oYDzIxMjYxMDMw
MDczMjE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATIJlg4pHDUMMCvsrY+351PiKEKN59DlKR5eRNfcS85RmZdvky7TOPJ
CZDSokvDdFggRwO3IZstOndF04ukt4Rco28wbTAdBgNVHQ4EFgQUaHSErG5EZTIe
n0q73Fohs1ziW+wwHwYDVR0jBBgwFoAUaHSErG5EZTIen0q73Fohs1ziW+wwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgeR2+E1Xb/+Go684d0f190mipXqxzhPQh+3Dd6bBGvgYCIQDk
OFjhbKOJz/F4iRtyJ7aowXSF0jNBhlrZLDqkV5TB1g==
-----END CERTIFICATE-----
"""


@pytest.fixture
def account(sandbox: Sandbox) -> str:
    return sandbox.add(linkedin_account(ID))


@pytest.fixture
def tls_sandbox(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Sandbox]:
    bundle = tmp_path / "localhost.pem"
    bundle.write_text(CERTIFICATE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Sandbox([linkedin_account(ID)]) as sandbox:
        server = sandbox._server
        assert server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        settings.UNIPILE_API_KEY = sandbox.api_key
        yield sandbox


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[bytes], None]]:
    """Answer one request with these bytes."""
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        settings.UNIPILE_DSN = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.UNIPILE_API_KEY = "key"

        def respond() -> None:
            with server, server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        threads.append(threading.Thread(target=respond))
        threads[0].start()

    yield start
    for thread in threads:
        thread.join()


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds
