"""What the refresh is compared with, on the same stack."""

from __future__ import annotations

import requests
from django.conf import settings
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from unipile_accounts.api.refresh import RefreshThrottle
from unipile_accounts.models import UnipileAccount


class NoOpView(APIView):
    """The least that an authenticated and throttled POST costs here."""

    throttle_classes = [RefreshThrottle]

    def post(self, request: Request) -> Response:
        return Response({"success": "accountId" in request.data})


class PlainView(APIView):
    """The refresh as anyone would write it: no shared session, no lock, the whole row saved."""

    def post(self, request: Request) -> Response:
        account = get_object_or_404(UnipileAccount, pk=request.data["accountId"], user=request.user)
        response = requests.get(
            f"{settings.UNIPILE_DSN}/api/v1/accounts/{account.unipile_account_id}",
            headers={"X-API-KEY": settings.UNIPILE_API_KEY},
            timeout=15,
        )
        response.raise_for_status()
        im = response.json()["connection_params"]["im"]
        features = im.get("premiumFeatures") or []
        is_premium = bool(features or im.get("premiumId"))
        has_sales_navigator = "sales_navigator" in features
        changed = {
            "is_premium": account.is_premium != is_premium,
            "has_sales_navigator": account.has_sales_navigator != has_sales_navigator,
        }
        account.is_premium = is_premium
        account.has_sales_navigator = has_sales_navigator
        account.weekly_connection_limit = 100 if is_premium else 80
        account.weekly_message_limit = 150 if is_premium else 100
        account.save()
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
