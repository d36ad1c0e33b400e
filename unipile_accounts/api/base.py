from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from unipile_accounts.api.errors import as_api_error
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet


class CallersAccounts(GenericViewSet[UnipileAccount]):
    """Give every endpoint the caller's own rows, and answers in place of domain errors.

    An endpoint is a subclass of it in a module of its own, with one `@action`.
    """

    # The errors that an action can have besides the usual ones, for the schema.
    error_codes: dict[int, list[str]] = {}
    # The name of the rate that limits an action, if any.
    throttle_scope: str | None = None

    def get_queryset(self) -> UnipileAccountQuerySet:
        return UnipileAccount.objects.owned_by(self.request.user)

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_error(exc))

    def validated(self) -> dict[str, Any]:
        """Return the request's body as the action's serializer reads it, or raise a 400."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
