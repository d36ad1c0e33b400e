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
    with _database() as (url, options):
        isolate(DATABASE_URL=url, HTTPS="0", SECRET_KEY=secrets.token_urlsafe(50))
        return pytest.main([*PARALLEL, *options, *sys.argv[1:]])


@contextmanager
def _database() -> Iterator[tuple[str, list[str]]]:
    if url := os.environ.get("DATABASE_URL"):
        yield url, []
        return
    # Statistics of one test would mislead the planner in the next one.
    with temporary_postgres(autovacuum="off") as server:
        # The databases go with their server, so nothing waits for the last connection to them.
        yield server.url, ["--reuse-db"]


if __name__ == "__main__":
    children.run(main)
