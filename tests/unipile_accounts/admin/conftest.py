from __future__ import annotations

import re
import threading
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils.html import strip_tags

from unipile_accounts.models import UnipileAccount

LIST = "/admin/unipile_accounts/unipileaccount/"
ADD = f"{LIST}add/"
ACTION = "refresh_from_unipile"

_BLOCK = re.compile("</?d[ltd]>")


def page_of(account: UnipileAccount) -> str:
    return f"{LIST}{account.pk}/change/"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff-{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    assert user.user_permissions.count() == len(permissions)
    return logged_in(user)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    """A superuser's browser."""
    return logged_in(User.objects.create_superuser("admin"))


@pytest.fixture
def support(db: None) -> Client:
    """The browser of support staff, who may look and refresh and nothing else."""
    return staff("view_unipileaccount", "refresh_unipileaccount")


def refresh(client: Client, *accounts: UnipileAccount, query: str = "", **data: Any) -> Any:
    pks = [account.pk for account in accounts]
    data = {"action": ACTION, "_selected_action": pks, **data}
    return client.post(f"{LIST}{query}", data, follow=True)


def press(client: Client, row: Any, action: str = ACTION, *, url: str = LIST, **data: str) -> Any:
    """Press a button of the row's page."""
    back = f"{url}{row.pk}/change/"
    data = {"action": action, "_selected_action": str(row.pk), "back": back, **data}
    return client.post(url, data, follow=True)


def add(client: Client, user: User, unipile_account_id: str) -> Any:
    data = {"user": user.pk, "unipile_account_id": unipile_account_id}
    return client.post(ADD, data, follow=True)


def elsewhere(act: Callable[[], object]) -> None:
    """Do something over another connection to the database."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def reports(response: Any) -> list[tuple[str, str]]:
    """Return level and text of each message, as it is read."""
    assert response.status_code == 200
    return [
        (message.level_tag, " ".join(unescape(strip_tags(_BLOCK.sub(" ", str(message)))).split()))
        for message in response.context["messages"]
    ]


def report(response: Any) -> tuple[str, str]:
    (only,) = reports(response)
    return only


def rows(response: Any) -> list[UnipileAccount]:
    return list(response.context["cl"].result_list)


def found(client: Client, **query: str) -> set[UnipileAccount]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return set(rows(response))


def text(response: Any) -> str:
    return re.sub(r"[ \n]+", " ", response.content.decode())
