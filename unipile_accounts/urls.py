from __future__ import annotations

from django.urls import include, path
from django.views.generic import TemplateView

_CONNECTED = TemplateView.as_view(template_name="unipile_accounts/connected.html")
_NOT_CONNECTED = TemplateView.as_view(template_name="unipile_accounts/not_connected.html")

urlpatterns = [
    path("api/", include("unipile_accounts.api.urls")),
    path("api/", include("unipile_accounts.webhooks.urls")),
    # Unipile's hosted page sends the browser here. Anybody may open them.
    path("linkedin/connected", _CONNECTED, name="unipile-connected"),
    path("linkedin/not-connected", _NOT_CONNECTED, name="unipile-not-connected"),
]
