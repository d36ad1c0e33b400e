"""What the refresh is compared with, on the same stack."""

from __future__ import annotations

import requests
from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils import timezone
from requests.adapters import HTTPAdapter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from unipile_accounts.api.refresh import RefreshThrottle
from unipile_accounts.models import UnipileAccount

_session = requests.Session()
_session.mount("http://", HTTPAdapter(pool_maxsize=64))


def refresh_plainly(account: UnipileAccount) -> dict[str, bool]:
    """Refresh as somebody careful would write it: one pool, and only our columns saved."""
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
        "refreshed_at": asked_at,
    }
    flags = ("is_premium", "has_sales_navigator")
    changed = {name: getattr(account, name) != new[name] for name in flags}
    for name, value in new.items():
        setattr(account, name, value)
    account.save(update_fields=[*new, "updated_at"])
    return changed


class PlainView(APIView):
    throttle_classes = [RefreshThrottle]

    def post(self, request: Request) -> Response:
        account = get_object_or_404(UnipileAccount, pk=request.data["accountId"], user=request.user)
        changed = refresh_plainly(account)
        return Response(
            {
                "success": True,
                "is_premium": account.is_premium,
                "has_sales_navigator": account.has_sales_navigator,
                "weekly_connection_limit": account.weekly_connection_limit,
                "weekly_message_limit": account.weekly_message_limit,
                "changed": changed,
            }
        )


class NoOpView(APIView):
    """The least that an authenticated and throttled POST costs here."""

    throttle_classes = [RefreshThrottle]

    def post(self, request: Request) -> Response:
        return Response({"success": "accountId" in request.data})


class NoOpGetView(APIView):
    """The least that an authenticated GET costs here."""

    def get(self, request: Request) -> Response:
        return Response({"accounts": []})
