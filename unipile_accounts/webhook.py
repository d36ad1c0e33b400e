"""The door for what Unipile sends: the raw body, the secret, and one call."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from rest_framework.exceptions import APIException, NotAuthenticated, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from unipile_accounts.exceptions import UnipileError, UnipileNotConfigured
from unipile_accounts.services import handle_webhook

logger = logging.getLogger(__name__)


class TryAgain(APIException):
    """Unipile delivers again what is answered so, each time after a longer pause."""

    status_code = 503
    wait = 30


class UnipileWebhookView(APIView):
    """Unipile's events and notices have no JSON content type, so the body is read as it is.

    https://developer.unipile.com/docs/webhooks-2
    """

    schema = None
    authentication_classes = ()
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        """Name the header with the secret. Without one REST framework answers 403."""
        return "Unipile-Auth"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            handle_webhook(request.body, secret=request.headers.get("Unipile-Auth", ""))
        except BadRequest as exc:
            logger.warning("A webhook cannot be read: %s", exc)
            raise ParseError(
                "The body is neither an event of an account nor the notice of a hosted link."
            ) from exc
        except PermissionDenied as exc:
            logger.warning("A webhook was refused: %s", exc)
            raise NotAuthenticated(
                "Missing or wrong Unipile-Auth secret, or the notice of a link that is not good."
            ) from exc
        except (UnipileError, UnipileNotConfigured) as exc:
            logger.warning("A webhook is to be sent again: %s", exc)
            raise TryAgain(exc.advice, exc.code) from exc
        return Response({"received": True})
