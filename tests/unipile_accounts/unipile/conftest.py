from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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
def tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """The server's side of encryption that this process trusts, for localhost."""
    bundle = tmp_path / "localhost.pem"
    bundle.write_text(CERTIFICATE)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(bundle)
    return context


@pytest.fixture
def tls_sandbox(settings: Settings, tls: ssl.SSLContext) -> Iterator[Sandbox]:
    with Sandbox([linkedin_account(ID)]) as sandbox:
        server = sandbox._server
        assert server
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        settings.UNIPILE_API_KEY = sandbox.api_key
        yield sandbox


@pytest.fixture
def peer(settings: Settings) -> Iterator[Callable[[bytes], int]]:
    """Start a server in Unipile's place that answers anything with these bytes and hangs up."""
    with ExitStack() as servers:

        def start(answer: bytes) -> int:
            server = servers.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = int(server.getsockname()[1])
            threading.Thread(target=_answer_once, args=(server, answer), daemon=True).start()
            settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = f"http://localhost:{port}", "key"
            return port

        yield start


def _answer_once(server: socket.socket, answer: bytes) -> None:
    with suppress(OSError), server.accept()[0] as connection:
        connection.recv(65536)
        connection.sendall(answer)


def open_connections(port: int) -> list[socket.socket]:
    """Return this process's own ends of its connections to a local port."""
    sockets = [each for each in gc.get_objects() if issubclass(type(each), socket.socket)]
    return [each for each in sockets if each.fileno() >= 0 and _peer(each) == port]


def _peer(sock: socket.socket) -> int | None:
    try:
        return int(sock.getpeername()[1])
    except (OSError, IndexError):
        return None


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds
