from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from puffle.api.throttling import UserRateThrottle
from unipile_accounts.api import schema
from unipile_accounts.api.errors import AccountNotFound, RefreshFailed
from unipile_accounts.api.serializers import RefreshRequestSerializer, RefreshResponseSerializer
from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import Door
from unipile_accounts.services import refresh_account


class RefreshThrottle(UserRateThrottle):
    scope = "refresh"


class RefreshUnipileAccountView(APIView):
    throttle_classes = [RefreshThrottle]

    @extend_schema(**schema.REFRESH)
    def post(self, request: Request) -> Response:
        serializer = RefreshRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        accounts = UnipileAccount.objects.owned_by(request.user)
        try:
            result = refresh_account(
                accounts,
                serializer.validated_data["accountId"],
                door=Door.API,
                user=request.user,
                idempotency_key=request.headers.get("Idempotency-Key", ""),
            )
        except UnipileAccount.DoesNotExist as exc:
            raise AccountNotFound from exc
        except (UnipileError, UnipileNotConfigured) as exc:
            raise RefreshFailed(exc) from exc
        return Response(RefreshResponseSerializer(result).data)
