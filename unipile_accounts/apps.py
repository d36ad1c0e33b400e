from __future__ import annotations

from django.apps import AppConfig


class UnipileAccountsConfig(AppConfig):
    name = "unipile_accounts"
    verbose_name = "Unipile"

    def ready(self) -> None:
        from unipile_accounts import checks  # noqa: F401  # it registers them
