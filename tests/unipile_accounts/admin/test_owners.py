from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.helpers import make_account
from tests.unipile_accounts.admin.conftest import page_of, text


def owner_page(owner: User) -> str:
    return f"/admin/auth/user/{owner.pk}/change/"


def test_owners_page_only_lists_their_accounts(admin: Client, owner: User, stranger: User) -> None:
    account = make_account(owner, name="Mara", is_premium=True, refreshed_at=timezone.now())
    other = make_account(stranger, name="Eve")

    response = admin.get(owner_page(owner))

    formset = response.context["inline_admin_formsets"][0]
    for verb in ("add", "change", "delete"):
        assert not getattr(formset, f"has_{verb}_permission")
    page = text(response)
    assert f'href="{page_of(account)}"' in page
    assert "Mara" in page
    assert "80 connections<br>100 messages" in page
    assert page_of(other) not in page
