from __future__ import annotations

from django.urls import include, path, re_path
from django.views.generic import TemplateView
from rest_framework.routers import SimpleRouter

from unipile_accounts.api import UnipileAccountViewSet
from unipile_accounts.webhook import UnipileWebhookView

router = SimpleRouter()
# Each address answers with and without a slash, and no POST is redirected.
router.trailing_slash = "/?"
router.register("unipile", UnipileAccountViewSet, basename="unipile-account")

_CONNECTED = TemplateView.as_view(template_name="unipile_accounts/connected.html")
_NOT_CONNECTED = TemplateView.as_view(template_name="unipile_accounts/not_connected.html")

urlpatterns = [
    path("api/", include(router.urls)),
    re_path(r"^api/webhooks/unipile/?$", UnipileWebhookView.as_view(), name="unipile-webhook"),
    # Unipile's hosted page sends the browser here. Anybody may open them.
    path("linkedin/connected", _CONNECTED, name="unipile-connected"),
    path("linkedin/not-connected", _NOT_CONNECTED, name="unipile-not-connected"),
]
