"""Run pytest on a new PostgreSQL, with one worker for each processor.

DATABASE_URL in the environment names another database. Arguments are passed to pytest.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from script import children
from script.postgres import temporary_postgres
from script.settings_environment import isolate

PARALLEL = ("--numprocesses=logical", "--dist=loadgroup")


def main() -> int:
    with _database() as url:
        isolate(DATABASE_URL=url, HTTPS="0", SECRET_KEY=secrets.token_urlsafe(50))
        return pytest.main([*PARALLEL, *sys.argv[1:]])


@contextmanager
def _database() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    # Statistics of one test would mislead the planner in the next one.
    with temporary_postgres(autovacuum="off") as server:
        yield server.url


if __name__ == "__main__":
    children.run(main)
