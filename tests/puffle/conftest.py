from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis import Redis

from tests.helpers import until


@pytest.fixture
def redis_url(running_redis: str) -> str:
    """The address of an empty Redis."""
    with Redis.from_url(running_redis) as redis:
        redis.flushall()
    return running_redis


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    assert program, "There is no redis-server: apt-get install redis-server"
    path = str(tmp_path_factory.mktemp("redis") / "redis.sock")
    arguments = ["--port", "0", "--unixsocket", path, "--save", ""]
    server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    try:
        until(lambda: _answers(path))
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait(10)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.connect(path)
        return True
    return False
