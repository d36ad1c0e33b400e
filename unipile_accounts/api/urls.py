from __future__ import annotations

from django.urls import re_path

from unipile_accounts.api.viewset import RefreshUnipileAccountView

urlpatterns = [
    re_path(
        r"^unipile/refresh/?$", RefreshUnipileAccountView.as_view(), name="unipile-account-refresh"
    ),
]
