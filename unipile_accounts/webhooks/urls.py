from __future__ import annotations

from django.urls import re_path

from unipile_accounts.webhooks.views import UnipileWebhookView

urlpatterns = [
    re_path(r"^webhooks/unipile/?$", UnipileWebhookView.as_view(), name="unipile-webhook"),
]
