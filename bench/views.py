"""What the refresh is compared with, on the same stack."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from requests.adapters import HTTPAdapter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from puffle.urls import urlpatterns as puffle_urlpatterns
from unipile_accounts.models import UnipileAccount

_session = requests.Session()
_session.mount("http://", HTTPAdapter(pool_maxsize=64))


def refresh_plainly(account: UnipileAccount) -> dict[str, Any]:
    """Refresh as somebody careful would write it, with one pool and few columns saved."""
    asked_at = timezone.now()
    response = _session.get(
        f"{settings.UNIPILE_DSN}/api/v1/accounts/{account.unipile_account_id}",
        headers={"X-API-KEY": settings.UNIPILE_API_KEY},
        timeout=15,
    )
    response.raise_for_status()
    im = response.json()["connection_params"]["im"]
    features = im.get("premiumFeatures") or []
    is_premium = bool(features or im.get("premiumId"))
    new = {
        "is_premium": is_premium,
        "has_sales_navigator": "sales_navigator" in features,
        "weekly_connection_limit": 100 if is_premium else 80,
        "weekly_message_limit": 150 if is_premium else 100,
    }
    flags = ("is_premium", "has_sales_navigator")
    changed = {name: getattr(account, name) != new[name] for name in flags}
    for name, value in {**new, "refreshed_at": asked_at}.items():
        setattr(account, name, value)
    account.save(update_fields=[*new, "refreshed_at", "updated_at"])
    return {"success": True, **new, "changed": changed}


class PlainView(APIView):
    throttle_scope = "refresh"

    def post(self, request: Request) -> Response:
        account = get_object_or_404(UnipileAccount, pk=request.data["accountId"], user=request.user)
        return Response(refresh_plainly(account))


class NoOpView(APIView):
    """The least that an authenticated and throttled POST costs here."""

    throttle_scope = "refresh"

    def post(self, request: Request) -> Response:
        return Response({"success": "accountId" in request.data})


class NoOpGetView(APIView):
    """The least that an authenticated GET costs here."""

    def get(self, request: Request) -> Response:
        return Response({"accounts": []})


urlpatterns = [
    path("api/bench/no-op-get", NoOpGetView.as_view()),
    path("api/bench/no-op", NoOpView.as_view()),
    path("api/bench/plain", PlainView.as_view()),
    *puffle_urlpatterns,
]
