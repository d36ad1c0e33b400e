"""Run the tests on a PostgreSQL of their own and once more on SQLite, with branch coverage of both.

DATABASE_URL in the environment: only on that database. Arguments are passed to pytest.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from script import children
from script.postgres import PostgresError, temporary_server
from script.settings_environment import isolated

_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
_SUMMARY = re.compile(r"\bin \d+(\.\d+)?s\b")


@dataclass(frozen=True)
class Outcome:
    database: str
    status: int
    summary: str


def main(arguments: list[str]) -> int:
    children.raise_stopped_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="puffle-") as folder:
            return _test(Path(folder), arguments)
    except children.Stopped as exc:
        return exc.status
    except PostgresError as exc:
        print(f"PostgreSQL did not start: {exc} (DATABASE_URL names another)", file=sys.stderr)
        return 1


def _test(folder: Path, arguments: list[str]) -> int:
    outcomes = []
    with closing(_databases(folder)) as databases:
        for name, url in databases:
            _print_heading(f"Tests on {name}")
            outcomes.append(_run_pytest(name, url, folder, arguments))
    # A few tests cannot cover everything: the minimum is for a whole run.
    covered = _report_coverage(folder, ["--fail-under=0"] if arguments else [])
    _print_heading("Tests")
    for outcome in outcomes:
        print(f"{outcome.database}: {outcome.summary or f'exit status {outcome.status}'}")
    return next((outcome.status for outcome in outcomes if outcome.status), covered)


def _databases(folder: Path) -> Generator[tuple[str, str], None, None]:
    if url := os.environ.get("DATABASE_URL"):
        yield "DATABASE_URL", url
        return
    for name in [name for name in os.environ if name.startswith("PG")]:
        # Meant for some other server.
        del os.environ[name]
    with temporary_server() as url:
        yield "PostgreSQL", url
    yield f"SQLite {sqlite3.sqlite_version}", f"sqlite:///{folder}/puffle.sqlite3"


def _run_pytest(name: str, url: str, folder: Path, arguments: list[str]) -> Outcome:
    environment = isolated(
        DATABASE_URL=url,
        SECRET_KEY=secrets.token_urlsafe(50),
        HTTPS="0",
        COVERAGE_FILE=str(folder / "coverage"),
    )
    if sys.stdout.isatty():
        environment.setdefault("PY_COLORS", "1")
        environment.setdefault("COLUMNS", str(shutil.get_terminal_size().columns))
    pytest = children.start(
        [sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with _stopping(pytest):
        summary = _pass_on(pytest)
        return Outcome(name, pytest.wait(), summary)


@contextmanager
def _stopping(pytest: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except children.Stopped:
        pytest.send_signal(signal.SIGINT)
        _pass_on(pytest)
        raise
    finally:
        children.stop(pytest)


def _pass_on(process: subprocess.Popen[bytes]) -> str:
    """Show the output as it comes, and return pytest's summary line."""
    assert process.stdout is not None  # noqa: S101
    tail = b""
    summary = ""
    while chunk := os.read(process.stdout.fileno(), 65536):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        *lines, tail = (tail + chunk).split(b"\n")
        for line in lines:
            text = _COLOURS.sub(b"", line).decode(errors="replace").strip()
            summary = text if _SUMMARY.search(text) else summary
    return summary


def _report_coverage(folder: Path, options: list[str]) -> int:
    _print_heading("Coverage")
    environment = {**os.environ, "COVERAGE_FILE": str(folder / "coverage")}
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], check=False, env=environment)
    return subprocess.run([*coverage, "report", *options], check=False, env=environment).returncode


def _print_heading(text: str) -> None:
    print(f"\n--- {text} ---\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
