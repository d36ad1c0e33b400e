from __future__ import annotations

from collections.abc import Iterator

import pytest

from unipile_sandbox import Fault, Sandbox, linkedin_account


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture
def account(sandbox: Sandbox) -> str:
    return sandbox.add(linkedin_account("mara", name="Mara Feldkamp"))


@pytest.fixture
def receiver() -> Iterator[Sandbox]:
    """A customer's server, which remembers what comes and answers with 200."""
    with Sandbox() as receiver:
        receiver.inject(Fault(status=200))
        yield receiver
