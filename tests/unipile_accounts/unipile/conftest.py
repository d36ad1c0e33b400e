from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

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


class Peer:
    """A server whose n-th connection answers each request with the bytes of the n-th script."""

    def __init__(
        self, *scripts: list[bytes], tls: ssl.SSLContext | None = None, hangs_up: bool = False
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        self._hangs_up = hangs_up
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError), ExitStack() as connections:
            for script in self._scripts:
                connection = connections.enter_context(self._server.accept()[0])
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                    connections.enter_context(connection)
                self._play(script, connection)

    def _play(self, script: list[bytes], connection: socket.socket) -> None:
        with suppress(OSError):
            for answer in script:
                if not connection.recv(65536):
                    break
                connection.sendall(answer)
        if self._hangs_up:
            connection.close()


@pytest.fixture
def peer(settings: Settings) -> Iterator[Callable[..., Peer]]:
    """Start a peer in Unipile's place."""
    with ExitStack() as peers:

        def start(*scripts: list[bytes], **how: Any) -> Peer:
            started = peers.enter_context(Peer(*scripts, **how))
            scheme = "https" if how.get("tls") else "http"
            settings.UNIPILE_DSN = f"{scheme}://localhost:{started.port}"
            settings.UNIPILE_API_KEY = "key"
            return started

        yield start


def open_connections(port: int) -> list[socket.socket]:
    """Return this process's own ends of its connections to a local port."""
    sockets = [each for each in gc.get_objects() if isinstance(each, socket.socket)]
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
