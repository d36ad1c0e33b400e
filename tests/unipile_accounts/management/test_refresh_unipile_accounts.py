from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import make_account, stored
from tests.unipile_accounts.services.test_refresh_many import (
    PREMIUM,
    free_accounts,
    make_accounts,
    table,
)
from unipile_accounts.management import progress
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.signals import account_refreshed
from unipile_sandbox import Fault, Request, Sandbox, linkedin_account

# Of a pass that stops after the first page: the next is asked for while that one is stored.
ASKED_FOR = 2

ROOT = Path(__file__).resolve().parents[3]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Run(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.objects[-1]["summary"]
        return summary

    @property
    def outcomes(self) -> dict[str, str]:
        return {each["account"]: each["outcome"] for each in self.objects[:-1]}


def run(*args: str, stdout: io.TextIOBase | None = None) -> Run:
    """Run the command in this process, and write its error as manage.py does."""
    out, err, status = stdout or io.StringIO(), io.StringIO(), 0
    try:
        call_command("refresh_unipile_accounts", *args, stdout=out, stderr=err)
    except CommandError as exc:
        err.write(f"CommandError: {exc}\n")
        status = exc.returncode
    return Run(status, out.getvalue() if isinstance(out, io.StringIO) else "", err.getvalue())


# --- Which accounts -------------------------------------------------------------------------------


@pytest.fixture
def five(owner: User, stranger: User, sandbox: Sandbox) -> dict[str, UnipileAccount]:
    now = timezone.now()
    return {
        "new": make_account(owner, sandbox),
        "fresh": make_account(owner, sandbox, refreshed_at=now - timedelta(hours=1)),
        "old": make_account(
            owner,
            sandbox,
            payload=linkedin_account(statuses=["CONNECTING"]),
            refreshed_at=now - timedelta(hours=25),
            status="credentials_required",
        ),
        "gone": make_account(owner, sandbox, status="disconnected"),
        "other": make_account(stranger, sandbox, refreshed_at=now - timedelta(days=8)),
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "new fresh old other"),
        (["--user", "owner"], "new fresh old"),
        (["--status", "connected"], "new fresh other"),
        (["--status", "credentials_required"], "old"),
        (["--status", "disconnected"], "gone"),
        (["--older-than", "24h"], "new old other"),
        (["--older-than", "1441m"], "new old other"),
        (["--older-than", "90001s"], "new other"),
        (["--older-than", "7d"], "new other"),
        (["--older-than", "0s"], "new fresh old other"),
        (["--account", "{fresh}"], "fresh"),
        (
            ["--account", "{fresh}", "--account", "{gone}", "--account", "{other}"],
            "fresh gone other",
        ),
        (["--account", "{fresh}", "--account", "{old}", "--older-than", "24h"], "old"),
        (["--user", "stranger", "--older-than", "24h", "--status", "connected"], "other"),
        (["--user", "stranger", "--status", "disconnected"], ""),
    ],
)
def test_options_choose_the_accounts(
    five: dict[str, UnipileAccount], options: list[str], expected: str
) -> None:
    ids = {name: str(account.pk) for name, account in five.items()}

    done = run("--json", *(option.format(**ids) for option in options))

    assert done.status == 0
    assert done.outcomes == {
        ids[name]: "skipped" if name == "gone" else "refreshed" for name in expected.split()
    }


@pytest.mark.parametrize("option", ["--account={}", "--status=disconnected"])
def test_a_disconnected_account_that_is_asked_for_is_skipped(
    five: dict[str, UnipileAccount], sandbox: Sandbox, option: str
) -> None:
    before = stored(five["gone"])

    done = run(option.format(five["gone"].pk))

    assert done.status == 0
    assert done.out.splitlines()[0] == (
        f"account {five['gone'].pk}: skipped: The account is disconnected, so it was not read."
        " Reconnect it to LinkedIn first."
    )
    assert "1 skipped" in done.out.splitlines()[1]
    assert stored(five["gone"]) == before
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user", "nobody"], "there is no user 'nobody'"),
        (["--user", ""], "there is no user ''"),
        (["--account", "k3Vd9QmTRxS1aLw0ZbYc7A"], "'k3Vd9QmTRxS1aLw0ZbYc7A' is not a UUID"),
        (["--account", ""], "'' is not a UUID"),
        (["--account", UNKNOWN], f"there is no account {UNKNOWN}"),
        (["--account", "{other}", "--user", "owner"], "there is no account {other}"),
        (["--account", "{new}", "--account", UNKNOWN], f"there is no account {UNKNOWN} "),
        (["--older-than", "24"], "'24' is not a duration"),
        (["--older-than", "1w"], "'1w' is not a duration"),
        (["--older-than", "-1h"], "expected one argument"),
        (["--older-than", "999999d"], "'999999d' is not a duration"),
        (["--older-than", ""], "'' is not a duration"),
        (["--older-than", "٣h"], "'٣h' is not a duration"),
        (["--status", "gone"], "invalid choice: 'gone'"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_use_is_one_line_and_asks_nobody(
    five: dict[str, UnipileAccount], sandbox: Sandbox, options: list[str], message: str
) -> None:
    ids = {name: str(account.pk) for name, account in five.items()}
    options = [option.format(**ids) for option in options]
    from_argparse = "invalid choice" in message or "argument" in message

    done = run("--json", *options)

    # Under manage.py argparse itself ends with 2.
    assert done.status == (1 if from_argparse else 2)
    assert message.format(**ids) in done.err
    assert (done.out, done.err.count("\n")) == ("", 1)
    assert sandbox.request_count == 0


# --- What it says ---------------------------------------------------------------------------------


def test_changes_and_failures_have_a_line_each_and_a_summary_ends_it(
    owner: User, sandbox: Sandbox
) -> None:
    _, upgraded, other = free_accounts(
        owner,
        sandbox,
        3,
        name="Robin Sample",
        profile_url="https://www.linkedin.com/in/robin-sample-example",
    )
    sandbox.update(upgraded.unipile_account_id, **PREMIUM, name="Robin Premium")
    sandbox.update(other.unipile_account_id, type="WHATSAPP")

    done = run()

    *lines, summary = done.out.splitlines()
    assert "".join(lines) == (
        f"account {upgraded.pk} (Robin Premium): name Robin Sample -> Robin Premium,"
        " is_premium False -> True, weekly_connection_limit 80 -> 100,"
        " weekly_message_limit 100 -> 150"
    )
    assert re.fullmatch(
        r"2 refreshed \(1 changed, 1 unchanged\), 0 skipped, 1 failed; 1 request, \d+\.\d seconds",
        summary,
    )
    assert done.err == (
        f"account {other.pk} (Robin Sample): failed: Unipile account {other.unipile_account_id} is"
        " not a LinkedIn account. This Unipile account is not a LinkedIn account, so it has no"
        " premium status. Connect a LinkedIn account instead.\n"
        "CommandError: 1 of 3 accounts failed.\n"
    )
    assert done.status == 1


def test_a_failure_that_changed_the_status_says_both(owner: User, sandbox: Sandbox) -> None:
    account = make_account(owner, sandbox, payload=linkedin_account(statuses=["CREDENTIALS"]))

    done = run()

    assert f"account {account.pk}: status connected -> credentials_required; failed: " in done.err
    assert "Reconnect the account to LinkedIn" in done.err
    assert done.status == 1


def test_json_is_one_object_for_each_outcome_and_a_summary(owner: User, sandbox: Sandbox) -> None:
    password = "proxy-password-9134"
    same, upgraded, other = make_accounts(
        owner,
        sandbox,
        (linkedin_account(im={"proxy": {"password": password}}) for _ in range(3)),
        name="Robin Sample",
        profile_url="https://www.linkedin.com/in/robin-sample-example",
    )
    gone = make_account(owner, status="disconnected")
    sandbox.update(upgraded.unipile_account_id, **PREMIUM)
    sandbox.update(other.unipile_account_id, type="WHATSAPP")
    accounts = [f"--account={account.pk}" for account in (same, upgraded, other, gone)]

    done = run("--json", *accounts)

    base = {"user": owner.pk, "changed": {}, "code": None, "reason": None, "next_step": None}
    found = {each["account"]: each for each in done.objects[:-1]}
    assert found[str(same.pk)] == base | {"account": str(same.pk), "outcome": "refreshed"}
    assert found[str(upgraded.pk)] == base | {
        "account": str(upgraded.pk),
        "outcome": "refreshed",
        "changed": {
            "is_premium": {"old": False, "new": True},
            "weekly_connection_limit": {"old": 80, "new": 100},
            "weekly_message_limit": {"old": 100, "new": 150},
        },
    }
    assert found[str(other.pk)] == base | {
        "account": str(other.pk),
        "outcome": "failed",
        "code": "not_linkedin",
        "reason": f"Unipile account {other.unipile_account_id} is not a LinkedIn account.",
        "next_step": "This Unipile account is not a LinkedIn account, so it has no premium status."
        " Connect a LinkedIn account instead.",
    }
    assert (found[str(gone.pk)]["outcome"], found[str(gone.pk)]["code"]) == (
        "skipped",
        "reconnect_required",
    )
    assert isinstance(done.summary.pop("seconds"), float)
    summary = done.summary
    summary.pop("seconds")
    assert summary == {
        "refreshed": 2,
        "changed": 1,
        "unchanged": 1,
        "skipped": 1,
        "failed": 1,
        "requests": 1,
        "dry_run": False,
        "status": 1,
        "reason": "1 of 4 accounts failed.",
    }
    assert done.err == "CommandError: 1 of 4 accounts failed.\n"
    assert password not in done.out
    assert sandbox.api_key not in done.out


def test_quiet_says_nothing_when_all_is_well(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    free_accounts(owner, sandbox, 3)

    assert run("--quiet") == (0, "", "")


def test_quiet_names_what_failed(owner: User, sandbox: Sandbox) -> None:
    _, other = free_accounts(owner, sandbox, 2)
    sandbox.update(other.unipile_account_id, type="WHATSAPP")

    done = run("--quiet")

    failure, summary, error = done.err.splitlines()
    assert failure.startswith(f"account {other.pk}: failed: ")
    assert summary.startswith("1 refreshed (1 changed, 0 unchanged), 0 skipped, 1 failed; ")
    assert error == "CommandError: 1 of 2 accounts failed."
    assert (done.status, done.out) == (1, "")


def test_without_a_terminal_there_is_a_line_of_progress_now_and_then(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_accounts(owner, sandbox, 3)
    assert run().err == ""

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    assert run("--json").err.splitlines() == [
        f"{number} of 3 accounts: {number} refreshed (0 changed, {number} unchanged), 0 skipped,"
        " 0 failed"
        for number in (1, 2, 3)
    ]


def test_requests_are_counted_with_their_retries(
    owner: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.remove(accounts[0].unipile_account_id)
    sandbox.inject(Fault(status=500), times=1)
    sandbox.inject(Fault(close=True), times=1)

    assert run("--json").summary["requests"] == sandbox.request_count == 4


def test_a_name_cannot_forge_lines_or_reach_the_terminal(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox, payload=linkedin_account(name="A\nB\x1b[2J\u202eC\u2028D"))

    done = run()

    assert len(done.out.splitlines()) == 2
    assert r"name '' -> A\nB\x1b[2J\u202eC\u2028D" in done.out


def test_letters_that_the_locale_lacks_are_escaped(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox, payload=linkedin_account(name="Zoë 李"))
    raw = io.BytesIO()

    assert run(stdout=io.TextIOWrapper(raw, encoding="ascii")).status == 0
    assert rb"(Zo\xeb \u674e)" in raw.getvalue()


def test_what_the_report_says_is_not_logged_as_well(
    owner: User, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    level = logging.getLogger("unipile_accounts").level
    free_accounts(owner, sandbox, 3)
    run()

    assert caplog.records == []
    assert logging.getLogger("unipile_accounts").level == level


def test_help_shows_every_option() -> None:
    process = subprocess.run(
        [sys.executable, "manage.py", "refresh_unipile_accounts", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    for option in (
        *("--account UUID", "--user USERNAME", "--status", "--older-than 24h"),
        *("--confirm-gone", "--dry-run", "--quiet", "--json"),
    ):
        assert option in process.stdout


# --- What it does ---------------------------------------------------------------------------------


def test_a_dry_run_says_the_same_as_the_run_that_follows_and_writes_nothing(
    owner: User, sandbox: Sandbox
) -> None:
    accounts = free_accounts(owner, sandbox, 30)
    sandbox.update(accounts[0].unipile_account_id, **PREMIUM)
    sandbox.remove(accounts[1].unipile_account_id)
    before = table()

    rehearsal = run("--json", "--dry-run")

    assert table() == before
    assert rehearsal.summary["dry_run"] is True
    real = run("--json")
    assert rehearsal.objects[:-1] == real.objects[:-1]
    assert real.summary["dry_run"] is False
    assert run("--dry-run").out.startswith("Dry run, nothing was written: 29 refreshed")


def test_an_empty_workspace_is_told_and_changes_nothing(owner: User, sandbox: Sandbox) -> None:
    for number in range(21):
        make_account(owner, payload=linkedin_account(f"account-{number}"))
    before = table()

    done = run()

    assert done.status == 1
    assert done.err.count("UNIPILE_DSN or UNIPILE_API_KEY may belong to another workspace") == 21
    assert done.err.count("--confirm-gone") == 21
    assert table() == before


def test_confirm_gone_marks_what_unipile_no_longer_has(owner: User, sandbox: Sandbox) -> None:
    for number in range(21):
        make_account(owner, payload=linkedin_account(f"account-{number}"))

    assert run("--confirm-gone").status == 1
    assert UnipileAccount.objects.disconnected().count() == 21


def test_a_rejected_key_ends_it_with_what_was_done(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(Fault(status=401), page=2)

    done = run("--json")

    assert done.status == done.summary["status"] == 2
    assert (done.summary["refreshed"], len(done.objects)) == (250, 251)
    assert done.err == (
        "CommandError: Unipile answered 401 errors/missing_credentials for the list of accounts."
        " Check UNIPILE_API_KEY and UNIPILE_DSN.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


@pytest.mark.parametrize("name", ["UNIPILE_DSN", "UNIPILE_API_KEY"])
def test_missing_settings_are_named(
    owner: User, sandbox: Sandbox, settings: Settings, name: str
) -> None:
    make_account(owner, sandbox)
    setattr(settings, name, "")

    done = run("--quiet", "--json")

    assert done.status == 2
    assert done.err.startswith(f"CommandError: {name} is not set. ")
    assert done.err.count("\n") == 1
    assert sandbox.request_count == 0


def test_receivers_hear_that_it_was_the_command(owner: User, sandbox: Sandbox) -> None:
    make_account(owner, sandbox)
    doors: list[Door] = []

    def receive(door: Door, **kwargs: Any) -> None:
        doors.append(door)

    account_refreshed.connect(receive)
    try:
        run()
    finally:
        account_refreshed.disconnect(receive)

    assert doors == [Door.COMMAND]


@pytest.mark.django_db(transaction=True)
def test_it_also_runs_in_a_thread(owner: User, sandbox: Sandbox) -> None:
    runs: list[Run] = []

    def in_thread() -> None:
        try:
            runs.append(run("--json"))
        finally:
            connection.close()

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()

    assert [each.status for each in runs] == [0]


# --- When it is stopped ---------------------------------------------------------------------------


@contextmanager
def at_first_result(act: Callable[[], object]) -> Iterator[None]:
    """Do something when the first row of a page is stored and none is printed yet."""
    results: list[object] = []

    def receive(**kwargs: Any) -> None:
        results.append(kwargs)
        if len(results) == 1:
            act()

    account_refreshed.connect(receive)
    try:
        yield
    finally:
        account_refreshed.disconnect(receive)


def test_all_that_is_stored_is_reported_before_it_stops(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    former = signal.getsignal(signal.SIGINT)

    with at_first_result(lambda: os.kill(os.getpid(), signal.SIGINT)):
        done = run("--json")

    assert done.status == done.summary["status"] == 130
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert done.err == (
        "CommandError: Stopped, because of SIGINT. What was refreshed until then is stored.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR
    assert signal.getsignal(signal.SIGINT) is former


def test_a_stop_that_comes_too_late_stops_nothing(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 3)

    with at_first_result(lambda: os.kill(os.getpid(), signal.SIGTERM)):
        assert run().status == 0
    assert run().status == 0


def test_long_rows_of_skipped_accounts_can_be_stopped(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 600, status="disconnected")

    class Output(io.StringIO):
        def write(self, text: str) -> int:
            if not self.getvalue():
                os.kill(os.getpid(), signal.SIGINT)
            return super().write(text)

    done = run("--status", "disconnected", stdout=Output())

    assert done.status == 130
    assert "250 skipped" in done.out


def test_output_that_cannot_be_written_ends_it_in_good_order(owner: User, sandbox: Sandbox) -> None:
    free_accounts(owner, sandbox, 300)
    heard: list[object] = []

    def receive(**kwargs: Any) -> None:
        heard.append(kwargs)

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    account_refreshed.connect(receive)
    try:
        done = run(stdout=Full())
    finally:
        account_refreshed.disconnect(receive)

    assert done.status == 141
    assert done.err.splitlines()[0].startswith("250 refreshed (250 changed, 0 unchanged)")
    assert len(heard) == UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR


# --- As a process of its own ----------------------------------------------------------------------


class Program:
    """The command as operators start it, on this test's database."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": self._database_url(),
            "UNIPILE_DSN": sandbox.url,
            "UNIPILE_API_KEY": sandbox.api_key,
            "UNIPILE_TIMEOUT": "15",
            "PYTHONUNBUFFERED": "",
        }
        self._processes: list[subprocess.Popen[str]] = []

    def _database_url(self) -> str:
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            return f"sqlite:///{name}"
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        return self.start_python("manage.py", "refresh_unipile_accounts", *args, **options)

    def start_python(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        connection.close()
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        environment = self._environment | options.pop("env", {})
        process = subprocess.Popen([sys.executable, *args], cwd=ROOT, env=environment, **options)
        self._processes.append(process)
        return process

    def run(self, *args: str, **options: Any) -> Run:
        return self.end(self.start(*args, **options))

    def end(self, process: subprocess.Popen[str]) -> Run:
        out, err = process.communicate(timeout=60)
        return Run(process.returncode, out or "", err or "")

    def kill(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


@pytest.fixture
def program(transactional_db: None, sandbox: Sandbox) -> Iterator[Program]:
    program = Program(sandbox)
    yield program
    program.kill()


def when_asked(sandbox: Sandbox, number: int) -> threading.Event:
    """Return what is set when the sandbox has got this many requests."""
    asked = threading.Event()

    def count(request: Request) -> None:
        if sandbox.request_count >= number:
            asked.set()

    sandbox.on_answer = count
    return asked


@pytest.mark.parametrize(
    ("number", "fault", "status"),
    [
        (signal.SIGINT, Fault(status=429, headers={"Retry-After": "60"}), 130),
        (signal.SIGINT, Fault(delay=60), 130),
        (signal.SIGTERM, Fault(drip_body=0.1), 143),
        (signal.SIGHUP, Fault(status=503, headers={"Retry-After": "60"}), 129),
    ],
    ids=["Ctrl-C-in-a-wait", "Ctrl-C-in-an-answer", "kill-in-an-answer", "hangup-in-a-wait"],
)
def test_it_stops_within_a_second_and_says_what_was_done(
    owner: User,
    sandbox: Sandbox,
    program: Program,
    tmp_path: Path,
    number: signal.Signals,
    fault: Fault,
    status: int,
) -> None:
    free_accounts(owner, sandbox, 300)
    sandbox.inject(fault, page=2)
    asked = when_asked(sandbox, 2)
    # A pipe that nobody reads would be full before the second page.
    output = tmp_path / "output"

    with output.open("w") as stdout:
        process = program.start("--json", stdout=stdout)
        assert asked.wait(30)
        time.sleep(0.1)
        started = time.monotonic()
        process.send_signal(number)
        process.wait(30)
        assert time.monotonic() - started < 1
    done = program.end(process)._replace(out=output.read_text())

    assert done.status == done.summary["status"] == status
    assert done.summary["refreshed"] == len(done.outcomes) == 250
    assert done.err == (
        f"CommandError: Stopped, because of {number.name}. What was refreshed until then is"
        " stored.\n"
    )
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250


def accounts_that_fill_a_pipe(owner: User, sandbox: Sandbox) -> None:
    """Make two pages; the JSON of the first is more than a pipe takes, so its writer waits."""
    make_accounts(owner, sandbox, (linkedin_account(name="Robin " * 40) for _ in range(300)))


def test_a_second_ctrl_c_kills_at_once(owner: User, sandbox: Sandbox, program: Program) -> None:
    accounts_that_fill_a_pipe(owner, sandbox)
    process = program.start("--json")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)

    process.send_signal(signal.SIGINT)

    assert process.wait(1) == -signal.SIGINT


@pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT])
def test_a_closed_pipe_is_no_traceback_and_leaves_nothing_half_done(
    owner: User, sandbox: Sandbox, program: Program, stderr: int
) -> None:
    accounts_that_fill_a_pipe(owner, sandbox)
    process = program.start("--json", stderr=stderr)
    assert process.stdout
    first = json.loads(process.stdout.readline())
    process.stdout.close()
    process.stdout = None

    done = program.end(process)

    assert first["outcome"] == "refreshed"
    assert done.status == 141
    assert UnipileAccount.objects.exclude(refreshed_at=None).count() == 250
    assert sandbox.request_count <= ASKED_FOR
    if stderr == subprocess.PIPE:
        summary, error = done.err.splitlines()
        assert summary.startswith("250 refreshed (250 changed, 0 unchanged), 0 skipped, 0 failed; ")
        assert error == (
            "CommandError: Stopped, because its output cannot be written any more. What was"
            " refreshed until then is stored."
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--status", "gone"], "invalid choice: 'gone'"),
        (["--account", "x"], "'x' is not a UUID"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_use_is_status_2_and_one_line(
    program: Program, options: list[str], message: str
) -> None:
    done = program.run(*options)

    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"UNIPILE_DSN": ""}, "UNIPILE_DSN is not set."),
        ({"UNIPILE_TIMEOUT": "soon"}, "UNIPILE_TIMEOUT is not a number of seconds"),
        ({"DATABASE_URL": "sqlite:////nowhere/to/be.found"}, "The database cannot be used: "),
        ({"DATABASE_URL": "sqlite://:memory:"}, "no such table: unipile_accounts"),
    ],
    ids=["no-dsn", "bad-timeout", "no-database", "no-tables"],
)
def test_a_wrong_deployment_is_status_2_and_one_line(
    owner: User, sandbox: Sandbox, program: Program, environment: dict[str, str], message: str
) -> None:
    make_account(owner, sandbox)

    done = program.run("--quiet", "--json", env=environment)

    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def on_terminal(program: Program, *args: str) -> tuple[int, str]:
    """Run on a terminal, and return the status and all that came to it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    process = program.start(*args, stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # How Linux says that the other side has closed it.
        pass
    finally:
        os.close(ours)
    return process.wait(30), shown.decode()


def test_a_terminal_shows_a_bar_that_lines_do_not_tear(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    accounts = free_accounts(owner, sandbox, 300)
    sandbox.update(accounts[0].unipile_account_id, type="WHATSAPP")
    sandbox.latency = 0.2

    status, shown = on_terminal(program)

    assert status == 1
    assert "/300 [" in shown
    # What remains on a line is what follows the last return to its beginning.
    lines = [line.rpartition("\r")[2] for line in shown.replace("\r\n", "\n").split("\n")]
    lines = [line.removeprefix("\x1b[A") for line in lines if line]
    changed = [line for line in lines if re.fullmatch(r"account \S{36} \(.*\): name .*", line)]
    failed = [line for line in lines if "account" in line and "not a LinkedIn account" in line]
    assert (len(changed), len(failed)) == (299, 1)
    assert lines[300].startswith("299 refreshed (299 changed, 0 unchanged), 0 skipped, 1 failed")


def test_a_terminal_shows_nothing_when_it_is_to_be_quiet(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    free_accounts(owner, sandbox, 3)

    assert on_terminal(program, "--quiet") == (0, "")


# --- Killed, and side by side ---------------------------------------------------------------------


@pytest.mark.parametrize("milliseconds", [0, 15])
def test_killed_in_the_middle_and_started_again_it_ends_the_same(
    owner: User, sandbox: Sandbox, program: Program, milliseconds: int
) -> None:
    accounts = free_accounts(owner, sandbox, 1000)
    for account in accounts[::2]:
        sandbox.update(account.unipile_account_id, **PREMIUM)
    before = {row["id"]: row for row in table()}
    processes: list[subprocess.Popen[str]] = []

    def kill_on_third_page(request: Request) -> None:
        if sandbox.request_count == 3:
            threading.Timer(milliseconds / 1000, processes[0].kill).start()
            time.sleep(0 if milliseconds else 0.2)

    sandbox.on_answer = kill_on_third_page
    processes.append(program.start("--json"))
    killed = program.end(processes[0])
    rows = table()

    assert killed.status == -signal.SIGKILL
    premium = {account.pk for account in accounts[::2]}
    for row in rows:
        assert row == before[row["id"]] or whole(row, is_premium=row["id"] in premium)
    assert 250 <= sum(row["refreshed_at"] is not None for row in rows) <= 1000

    sandbox.on_answer = None
    again = program.run("--json")

    assert again.status == 0
    assert all(whole(row, is_premium=row["id"] in premium) for row in table())


def whole(row: dict[str, Any], *, is_premium: bool) -> bool:
    limits = (100, 150) if is_premium else (80, 100)
    return (
        row["is_premium"] is is_premium
        and (row["weekly_connection_limit"], row["weekly_message_limit"]) == limits
        and row["name"] == "Robin Sample"
        and row["refreshed_at"] is not None
    )


CUSTOMERS = """
import json, random, sys
import django
django.setup()
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account
pks = list(UnipileAccount.objects.values_list("pk", flat=True))
for pk in random.Random(7).sample(pks, 150):
    result = refresh_account(UnipileAccount.objects.all(), pk, door=Door.API)
    print(json.dumps({"account": str(pk), "changed": {name: None for name in result.changes}}))
"""


def test_two_commands_and_customers_at_once_report_each_change_once(
    owner: User, sandbox: Sandbox, program: Program
) -> None:
    accounts = free_accounts(owner, sandbox, 1000)
    for account in accounts[::2]:
        sandbox.update(account.unipile_account_id, **PREMIUM)
    sandbox.latency = 0.005
    environment = {"DJANGO_SETTINGS_MODULE": "puffle.settings"}

    processes = [
        program.start("--json"),
        program.start("--json"),
        program.start_python("-c", CUSTOMERS, env=environment),
    ]
    done = [program.end(process) for process in processes]

    assert [each.status for each in done] == [0, 0, 0]
    assert [each.err for each in done[:2]] == ["", ""]
    reports = [each for run in done for each in run.objects if "account" in each]
    for field, expected in (("is_premium", accounts[::2]), ("name", accounts)):
        seen = Counter(each["account"] for each in reports if field in each["changed"])
        assert seen == {str(account.pk): 1 for account in expected}
    premium = {account.pk for account in accounts[::2]}
    assert all(whole(row, is_premium=row["id"] in premium) for row in table())
