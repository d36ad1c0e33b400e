from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import found
from unipile_accounts.models import UnipileAccount


@pytest.fixture
def searched(owner: User) -> UnipileAccount:
    """An account to be found, and another one."""
    make_account(owner, id=UUID("ffffffff-0000-4000-8000-000000000000"))
    lena = User.objects.create_user("lena", "lena@customer.example")
    return UnipileAccount.objects.create(
        id=UUID("3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34"),
        user=lena,
        unipile_account_id="k3Vd9QmTRxS1aLw0ZbYc7A",
        name="Mara 50% Feld_kamp",
        profile_url="https://www.linkedin.com/in/mara-f%C3%A9ld",
    )


@pytest.mark.parametrize(
    "words",
    [
        "feld_",
        "lena",
        "LENA@customer",
        "k3Vd9QmTRxS1aLw0ZbYc7A",
        "3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f34",
        "3F2A9C107B4E4D589A610C5E8D7B2F34",
        "3f2a9c10",
        "https://www.linkedin.com/in/mara-f%C3%A9ld",
        "https://www.linkedin.com/in/mara-féld/",
        "linkedin.com/in/Mara-F%c3%a9ld?trk=public_profile#about",
        " http://de.linkedin.com/in/mara-féld/details/experience/ ",
        "https://www.linkedin.com/in/mara-féld/?x=" + "y" * 300,
        "mara-féld",
        "Mara-F%C3%A9ld",
    ],
)
def test_search_finds_an_account(admin: Client, searched: UnipileAccount, words: str) -> None:
    assert found(admin, q=words) == {searched}


@pytest.mark.parametrize(
    "words",
    [
        "%%%",
        "3f2",
        "7b4e-4d58",
        "3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f345",
        "x" * 10_000,
        "mara-fél",
        "https://www.linkedin.com/in/mara",
        "https://www.linkedin.com/company/mara-féld",
        "https://linkedin.com.evil.example/in/mara-féld",
        '" ' * 5_000,
    ],
)
def test_search_finds_nothing_and_does_not_fail(
    admin: Client, searched: UnipileAccount, words: str
) -> None:
    assert found(admin, q=words) == set()


def test_search_keeps_to_the_filter(admin: Client, searched: UnipileAccount) -> None:
    query = {"status": "given_up"}

    assert found(admin, q=str(searched.pk), **query) == set()
    assert found(admin, q="mara", **query) == set()
