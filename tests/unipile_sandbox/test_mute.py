from __future__ import annotations

import socket
import ssl

import pytest

from unipile_sandbox import MuteListener


def test_handshake_with_a_mute_host_never_ends() -> None:
    with (
        MuteListener() as host,
        socket.create_connection(("127.0.0.1", host.port), timeout=0.05) as client,
        pytest.raises(TimeoutError),
    ):
        ssl.create_default_context().wrap_socket(client, server_hostname="localhost")
