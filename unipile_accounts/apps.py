from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class UnipileAccountsConfig(AppConfig):
    name = "unipile_accounts"
    verbose_name = _("Unipile")

    def ready(self) -> None:
        from unipile_accounts.checks import check_settings

        register(check_settings)
