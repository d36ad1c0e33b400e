from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account, stored
from tests.unipile_accounts.admin.conftest import page_of, staff, text


def owner_page(owner: User) -> str:
    return f"/admin/auth/user/{owner.pk}/change/"


def test_owners_page_lists_their_accounts(admin: Client, owner: User, stranger: User) -> None:
    account = make_account(owner, name="Mara", is_premium=True, refreshed_at=timezone.now())
    other = make_account(stranger, name="Eve")

    page = text(admin.get(owner_page(owner)))

    assert f'href="{page_of(account)}"' in page
    assert "Mara" in page
    assert "80 connections<br>100 messages" in page
    assert page_of(other) not in page


def test_owners_page_edits_no_account(admin: Client, owner: User) -> None:
    account = make_account(owner, name="Mara")
    before = stored(account)

    page = admin.get(owner_page(owner))

    formset = page.context["inline_admin_formsets"][0]
    assert not formset.has_add_permission
    assert not formset.has_change_permission
    assert not formset.has_delete_permission
    assert stored(account) == before


def test_owners_page_shows_accounts_to_whom_may_look(owner: User) -> None:
    make_account(owner, name="Mara")

    assert "Mara" not in text(staff("view_user").get(owner_page(owner)))
    assert "Mara" in text(staff("view_user", "view_unipileaccount").get(owner_page(owner)))
