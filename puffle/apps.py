from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class PuffleConfig(AppConfig):
    name = "puffle"

    def ready(self) -> None:
        from puffle import checks

        register(checks.check_proxies, deploy=True)
        register(checks.check_hsts, deploy=True)
        register(checks.check_cache, deploy=True)
        register(checks.check_database, deploy=True)
