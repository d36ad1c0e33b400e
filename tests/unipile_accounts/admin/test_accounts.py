from __future__ import annotations

from itertools import product
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import Statements, make_account
from tests.unipile_accounts.admin.conftest import (
    ACTION,
    ADD,
    LIST,
    found,
    page_of,
    press,
    refresh,
    report,
    rows,
    staff,
    text,
)
from unipile_accounts.models import UnipileAccount
from unipile_sandbox import Sandbox

OWNERS = "app_label=unipile_accounts&model_name=unipileaccount&field_name=user"


def test_list_costs_the_same_for_many_accounts(
    owner: User, support: Client, statements: Statements
) -> None:
    make_account(owner)
    with statements() as for_one:
        support.get(LIST)
    for number in range(120):
        user = User.objects.create(username=f"customer-{number}")
        make_account(user, refreshed_at=timezone.now())
    with statements() as for_many:
        assert len(rows(support.get(LIST))) == 100

    # Session, user, permissions of user and groups; how many accounts, the accounts.
    assert len(for_one) == len(for_many) == 6


def test_support_group_only_looks_and_refreshes(
    support: Client, owner: User, sandbox: Sandbox
) -> None:
    account = make_account(owner, sandbox)

    actions = dict(support.get(LIST).context["action_form"].fields["action"].choices)
    assert set(actions) == {"", ACTION, "ask_linkedin", "make_reconnect_links"}
    assert report(refresh(support, account))[0] == "success"
    assert support.get(ADD).status_code == 403
    assert support.post(page_of(account), {"status": "disconnected"}).status_code == 403
    assert support.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_the_permission_cannot_refresh(
    account: UnipileAccount, sandbox: Sandbox
) -> None:
    client = staff(*(f"{verb}_unipileaccount" for verb in ("view", "change", "delete")))

    assert "Refresh premium status" not in text(client.get(LIST))
    assert "Refresh from Unipile" not in text(client.get(page_of(account)))
    refresh(client, account)
    press(client, account)
    assert sandbox.requests == []


def test_staff_who_may_not_look_see_nothing(account: UnipileAccount, sandbox: Sandbox) -> None:
    client = staff("refresh_unipileaccount")

    assert "Unipile accounts" not in text(client.get("/admin/"))
    for url in (LIST, page_of(account), f"{LIST}{account.pk}/history/"):
        assert client.get(url).status_code == 403
    assert refresh(client, account).status_code == 403
    assert press(client, account).status_code == 403
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "url", [f"{LIST}?last_error=%00", f"/admin/autocomplete/?{OWNERS}&term=%00"]
)
def test_zero_byte_is_a_bad_request(admin: Client, url: str) -> None:
    assert admin.get(url).status_code == 400


@pytest.mark.parametrize("kind", ["status", "plan"])
def test_first_page_counts_each_account_once(admin: Client, owner: User, kind: str) -> None:
    times = [None, timezone.now()]
    for status in UnipileAccount.Status:
        for answered, refreshed, given_up in product(times, repeat=3):
            make_account(
                owner,
                status=status,
                is_premium=answered is None,
                has_sales_navigator=given_up is None,
                answered_at=answered,
                refreshed_at=refreshed,
                given_up_at=given_up,
            )

    [group] = [each for each in admin.get("/admin/").context["groups"] if each["title"] == kind]

    counts = [count for _url, _label, count in group["rows"]]
    assert sum(counts) == UnipileAccount.objects.count()
    shown = [found(admin, **{kind: url.rpartition("=")[2]}) for url, *_ in group["rows"]]
    assert [len(rows) for rows in shown] == counts


def test_counts_are_not_for_everybody(db: None) -> None:
    assert "by status" not in text(staff("view_user").get("/admin/"))


# --- Search ---------------------------------------------------------------------------------------


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
        "3f2a9c10",
        "https://www.linkedin.com/in/mara-f%C3%A9ld",
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
        "3f2a9c10-7b4e-4d58-9a61-0c5e8d7b2f345",
        "mara-fél",
        "https://www.linkedin.com/in/mara",
        "https://www.linkedin.com/company/mara-féld",
    ],
)
def test_search_finds_nothing_else(admin: Client, searched: UnipileAccount, words: str) -> None:
    assert found(admin, q=words) == set()


def test_search_keeps_to_the_filter(admin: Client, searched: UnipileAccount) -> None:
    for words in (str(searched.pk), "mara", searched.profile_url):
        assert found(admin, q=words, status="given_up") == set()
