from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from script.postgres import Server
from script.serving import Service, migrated_postgres
from unipile_sandbox import Sandbox

# The same examples in every run. HYPOTHESIS_PROFILE=many tries five times as many, and new ones.
settings.register_profile(
    "ci",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.differing_executors,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
settings.register_profile("many", settings.get_profile("ci"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def examples(number: int) -> settings:
    """Try so many examples, or five times as many in the profile for that."""
    return settings(max_examples=number * (5 if _MANY else 1))


_MANY = os.environ.get("HYPOTHESIS_PROFILE") == "many"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL with our tables in the database `puffle`, whatever these tests run on."""
    with migrated_postgres() as server:
        yield server


@pytest.fixture
def service(postgres: Server, sandbox: Sandbox) -> Iterator[Service]:
    with Service(postgres, sandbox) as service:
        yield service
