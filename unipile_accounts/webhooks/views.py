"""The door for what Unipile posts: the raw body, the secret, and one call."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from rest_framework.exceptions import APIException, NotAuthenticated, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from unipile_accounts.exceptions import (
    Retry,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.services import handle_post

logger = logging.getLogger(__name__)


class TryAgain(APIException):
    """Unipile delivers again what is answered so, each time after a longer pause."""

    status_code = 503
    wait = 30

    def __init__(self, error: UnipileError | UnipileNotConfigured) -> None:
        super().__init__(str(error.advice), error.code)


class UnipileWebhookView(APIView):
    """Unipile's events and notices have no JSON content type, so the body is read as it is.

    https://developer.unipile.com/docs/webhooks-2
    """

    schema = None
    authentication_classes = ()
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        """Name the header with the secret; without one REST framework answers 403."""
        return "Unipile-Auth"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            handle_post(request.body, secret=request.headers.get("Unipile-Auth", ""))
        except BadRequest as exc:
            logger.warning("A post cannot be read: %s", exc)
            raise ParseError(
                "The body is neither an event of an account nor the notice of a hosted link."
            ) from exc
        except PermissionDenied as exc:
            logger.warning("A post was refused: %s", exc)
            raise NotAuthenticated(
                "The post carries neither the secret nor the name of a link that is still good."
            ) from exc
        except (UnipileAuthenticationError, UnipileNotConfigured) as exc:
            # The operator may have mended it before Unipile's last try.
            raise TryAgain(exc) from exc
        except UnipileError as exc:
            # What trying again cannot mend is stored, or logged by the refresh.
            if exc.retry is not Retry.NEVER:
                raise TryAgain(exc) from exc
        return Response({"received": True})
