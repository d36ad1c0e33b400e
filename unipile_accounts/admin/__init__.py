from __future__ import annotations

from django.contrib import admin

from unipile_accounts.admin.accounts import UnipileAccountAdmin
from unipile_accounts.admin.owners import OwnerAdmin

__all__ = ["OwnerAdmin", "UnipileAccountAdmin"]

admin.site.index_template = "admin/unipile_accounts/index.html"
