from __future__ import annotations

from django.apps import AppConfig


class PuffleConfig(AppConfig):
    name = "puffle"

    def ready(self) -> None:
        from puffle import checks  # noqa: F401  # it registers them
