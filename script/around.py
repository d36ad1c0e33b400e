"""What stands around the servers: nginx, pgbouncer and Redis, each a process of ours."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from script import children
from script.postgres import Server
from script.serving import wait_until

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
_NGINX = """\
events {{}}
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    scgi_temp_path {folder}; uwsgi_temp_path {folder};
    upstream puffle {{ {servers} keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{
            proxy_pass http://puffle;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_next_upstream error;
        }}
    }}
}}
"""


class ProgramMissingError(Exception):
    """One of Debian's packages is not installed."""


class Around:
    """Starts them in a folder that goes when they end."""

    def __init__(self, postgres: Server) -> None:
        self._postgres = postgres
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports = {name: _free_port() for name in ("nginx", "redis", "bouncer")}
        self.url = f"https://localhost:{self._ports['nginx']}"
        self.redis_url = f"redis://127.0.0.1:{self._ports['redis']}/0"
        self.bouncer_url = f"postgres://postgres@127.0.0.1:{self._ports['bouncer']}/puffle?options="

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="puffle-")
        self._folder = Path(self._temporary.name)
        self._folder.chmod(0o755)
        self.certificate = self._folder / "certificate.pem"
        self._start_redis()
        self._start_bouncer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            children.stop(process)
        self._temporary.cleanup()

    def start_nginx(self, ports: list[int]) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(self._folder / "key.pem"), "-out", str(self.certificate)),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        servers = " ".join(f"server 127.0.0.1:{port} fail_timeout=1s;" for port in ports)
        text = _NGINX.format(folder=self._folder, servers=servers, port=self._ports["nginx"])
        (self._folder / "nginx.conf").write_text(text)
        self._start("nginx", "-c", str(self._folder / "nginx.conf"), "-p", str(self._folder))

    def _start_redis(self) -> None:
        port = str(self._ports["redis"])
        self._start("redis", "--port", port, "--bind", "127.0.0.1", "--save", "")

    def _start_bouncer(self) -> None:
        [host] = parse_qs(urlsplit(self._postgres.url).query)["host"]
        (self._folder / "users").write_text('"postgres" ""\n')
        (self._folder / "bouncer.ini").write_text(
            f"[databases]\n* = host={host} user=postgres\n"
            "[pgbouncer]\npool_mode = transaction\nauth_type = any\nunix_socket_dir =\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self._ports['bouncer']}\n"
            f"auth_file = {self._folder / 'users'}\nmax_client_conn = 200\ndefault_pool_size = 20\n"
        )
        # It refuses to run as root.
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._start("bouncer", str(self._folder / "bouncer.ini"), **options)

    def _start(self, name: str, *arguments: str, **options: Any) -> None:
        program = {"redis": "redis-server", "bouncer": "pgbouncer"}.get(name, name)
        path = shutil.which(program, path=_PATH)
        if path is None:
            raise ProgramMissingError(f"There is no {program}: apt-get install {program}")
        process = children.start(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options,
        )
        self._processes.append(process)
        wait_until(lambda: _is_open(self._ports[name]), seconds=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
