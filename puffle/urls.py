from __future__ import annotations

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from puffle.api import errors, tokens

handler500 = "puffle.api.errors.server_error"

admin.site.site_header = admin.site.site_title = "Puffle"
admin.site.site_url = "/api/docs"
# Nothing fills these pages of axes.
admin.site.unregister([AccessLog, AccessFailureLog])

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("admin/", admin.site.urls),
    path("", include("unipile_accounts.urls")),
    re_path(r"^api/token/?$", tokens.TokenView.as_view(), name="token"),
    re_path(r"^api/token/refresh/?$", tokens.TokenRefreshView.as_view(), name="token-refresh"),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api(?:/.*)?$", errors.UnknownRouteView.as_view()),
    # Browsers ask for it at every site, and complain in their console where there is none.
    path("favicon.ico", RedirectView.as_view(url=static("unipile_accounts/favicon.svg"))),
]
