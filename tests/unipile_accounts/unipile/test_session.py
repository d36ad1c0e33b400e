from __future__ import annotations

import select
import socket
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
from pytest_django import Settings

from tests.helpers import forget_session
from tests.unipile_accounts.unipile.conftest import ID, open_connections
from unipile_accounts.exceptions import UnipileNotConfigured, UnipileUnavailable
from unipile_accounts.unipile import get_account, search_people
from unipile_sandbox import Sandbox


@pytest.mark.parametrize(
    ("form", "query"),
    [("localhost:{}", ""), ("https://localhost:{}?port=13843", "?port=13843")],
)
def test_dsn_without_http_leads_over_tls(
    tls_sandbox: Sandbox, settings: Settings, form: str, query: str
) -> None:
    settings.UNIPILE_DSN = form.format(tls_sandbox.port)

    assert get_account(ID) == tls_sandbox.get(ID)
    assert get_account(ID) == tls_sandbox.get(ID)
    assert {request.path for request in tls_sandbox.requests} == {f"/api/v1/accounts/{ID}{query}"}
    assert len({request.connection for request in tls_sandbox.requests}) == 1


def test_certificate_that_is_not_trusted_gets_no_request(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    with pytest.raises(UnipileNotConfigured, match=r"not trusted .*self-signed"):
        get_account(ID)

    assert tls_sandbox.request_count == 0


# --- Certificates and proxies ---------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_bundle_that_holds_no_certificate_is_named(
    tls_sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"

    with pytest.raises(UnipileNotConfigured, match=r"REQUESTS_CA_BUNDLE .* no certificates"):
        get_account(ID)


@pytest.fixture
def behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a proxy between us and Unipile."""

    def set_proxy(proxy: str) -> None:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "elsewhere.test")
        settings.UNIPILE_DSN, settings.UNIPILE_API_KEY = "unipile.test:13843", "key"

    return set_proxy


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (b"HTTP/1.1 403 hidden\r\n\r\n", UnipileNotConfigured, "answered 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", UnipileUnavailable, "No connection"),
    ],
)
def test_refusal_of_the_proxy_is_no_trouble(
    peer: Callable[[bytes], int],
    behind: Callable[[str], None],
    reply: bytes,
    error: type[Exception],
    words: str,
) -> None:
    behind(f"http://localhost:{peer(reply)}")

    with pytest.raises(error, match=words) as caught:
        get_account(ID, timeout=3)

    assert type(caught.value) is error
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://localhost:1", "http://["])
def test_proxy_that_is_no_address_is_named(behind: Callable[[str], None], proxy: str) -> None:
    behind(proxy)

    with pytest.raises(UnipileNotConfigured, match="HTTPS_PROXY"):
        get_account(ID)


def test_hosts_of_no_proxy_are_asked_directly(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://no-such-proxy.test:3128")
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"

    assert get_account(ID)["id"] == ID


def test_proxy_with_a_login_leads_to_the_account(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    monkeypatch.setenv("no_proxy", "elsewhere.test")
    with Tunnel(tls_sandbox.port) as tunnel:
        monkeypatch.setenv("https_proxy", f"us%40er:p%20w@localhost:{tunnel.port}")

        assert get_account(ID) == get_account(ID) == tls_sandbox.get(ID)
        [sock] = open_connections(tunnel.port)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1

    [head] = tunnel.heads
    assert head.startswith(b"CONNECT localhost:%d " % tls_sandbox.port)
    assert b64encode(b"us@er:p w") in head
    assert tls_sandbox.api_key.encode() not in head


def test_environment_is_read_once(
    tls_sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNIPILE_DSN = f"localhost:{tls_sandbox.port}"
    get_account(ID)
    monkeypatch.setenv("no_proxy", "elsewhere.test")
    monkeypatch.setenv("https_proxy", "http://no-such-proxy.test:3128")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    search_people(ID, body={"api": "classic", "category": "people"}, limit=1)

    first, second = tls_sandbox.requests
    assert first.connection != second.connection


class Tunnel:
    """A proxy that connects one client to a local port."""

    def __init__(self, port: int) -> None:
        self.heads: list[bytes] = []
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        forget_session()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        with (
            suppress(ConnectionError),
            self._server.accept()[0] as client,
            socket.create_connection(("127.0.0.1", self._target)) as target,
        ):
            self.heads.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pass_on({client: target, target: client})

    def _pass_on(self, other: dict[socket.socket, socket.socket]) -> None:
        while True:
            for ready in select.select(list(other), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)
