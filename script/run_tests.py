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
from script.postgres import PostgresError, temporary_postgres
from script.settings_environment import isolate

PARALLEL = ("--numprocesses=logical", "--dist=loadgroup")


def main(arguments: list[str]) -> int:
    children.raise_stopped_on_signals()
    try:
        with _database() as url:
            isolate(DATABASE_URL=url, HTTPS="0", SECRET_KEY=secrets.token_urlsafe(50))
            return pytest.main([*PARALLEL, *arguments])
    except PostgresError as exc:
        print(f"PostgreSQL did not start: {exc} (DATABASE_URL names another)", file=sys.stderr)
        return 1
    except children.Stopped as exc:
        return exc.status


@contextmanager
def _database() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    # Statistics of one test would mislead the planner in the next.
    with temporary_postgres(autovacuum="off") as server:
        yield server.url


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
