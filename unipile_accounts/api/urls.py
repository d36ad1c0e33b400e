from __future__ import annotations

from rest_framework.routers import SimpleRouter

from unipile_accounts.api.viewset import UnipileAccountViewSet

router = SimpleRouter()
# Each address answers with and without a slash, and no POST is redirected.
router.trailing_slash = "/?"
router.register("unipile", UnipileAccountViewSet, basename="unipile-account")

urlpatterns = router.urls
