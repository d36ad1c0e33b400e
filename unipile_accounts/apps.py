from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class UnipileAccountsConfig(AppConfig):
    name = "unipile_accounts"
    verbose_name = "Unipile"

    def ready(self) -> None:
        from unipile_accounts.checks import check_settings

        register(check_settings)
