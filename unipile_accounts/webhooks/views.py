"""The door for what Unipile posts: the raw body, the secret, and one call."""

from __future__ import annotations

import logging
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from unipile_accounts.exceptions import (
    EventsNotWanted,
    InvalidPost,
    PostRefused,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.services import handle_post

logger = logging.getLogger(__name__)

_STATUS = {InvalidPost: 400, PostRefused: 401, EventsNotWanted: 404}
# Unipile delivers again, each time after a longer pause.
_WAIT = 30


class PostFailed(APIException):
    def __init__(self, error: UnipileError | UnipileNotConfigured, *, status: int) -> None:
        super().__init__(str(error.advice), error.code)
        self.status_code = status
        self.wait = _WAIT if status == 503 else None


class UnipileWebhookView(APIView):
    """Unipile's events and notices have no JSON content type, so the body is read as it is.

    https://developer.unipile.com/docs/webhooks-2
    """

    schema = None
    authentication_classes = ()
    permission_classes = [AllowAny]

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            handle_post(request.body, secret=request.headers.get("Unipile-Auth", ""))
        except tuple(_STATUS) as exc:
            logger.warning("A post was refused: %s", exc)
            raise PostFailed(exc, status=_STATUS[type(exc)]) from exc
        except (UnipileAuthenticationError, UnipileNotConfigured) as exc:
            # The operator may have mended it before Unipile's last try.
            raise PostFailed(exc, status=503) from exc
        except UnipileError as exc:
            # What trying again cannot mend is stored, or logged by the refresh.
            if exc.retryable:
                raise PostFailed(exc, status=503) from exc
        return Response({"received": True})
