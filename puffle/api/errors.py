"""The one shape of errors under /api/, and a database that does not answer elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from drf_standardized_errors import formatter, handler
from drf_standardized_errors.types import Error, ErrorResponse
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework_simplejwt import exceptions as simplejwt

from puffle.stores import is_passing


class DatabaseUnavailable(APIException):
    status_code = 503
    default_code = "database_unavailable"
    default_detail = "The database does not answer. Nothing is half done. Try again shortly."
    wait = 5


class RequestTooLarge(APIException):
    status_code = 413
    default_code = "request_too_large"
    default_detail = "The request body is larger than 64 KiB. Send only the documented fields."


class ExceptionHandler(handler.ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if is_passing(exc):
            return DatabaseUnavailable()
        match exc:
            case RequestDataTooBig():
                return RequestTooLarge()
            case SuspiciousOperation() | UnreadablePostError() | RecursionError():
                return ParseError("The request cannot be read. Send only what is documented.")
            case simplejwt.AuthenticationFailed():
                return _plain(exc)
        return super().convert_known_exceptions(exc)

    def report_exception(self, exc: APIException, response: Response) -> None:
        # A 502 or 503 that we answer on purpose must not page anyone.
        if not isinstance(self.exc, APIException):
            super().report_exception(exc, response)


# In place of the packages' own sentences, which name no next step.
_DETAILS = {
    "bad_authorization_header": "Send the header as Authorization: Bearer <access>.",
    "token_not_valid": "The token is wrong or old. Exchange the refresh token, or log in again.",
    "password_changed": "The password was changed. Log in with the new one at POST /api/token.",
    "user_inactive": "The user is inactive. Only the operator can change that.",
    "user_not_found": "The user is gone. Only the operator can make another.",
    "not_acceptable": "Only JSON is served. Send Accept: application/json, or no such header.",
    "unsupported_media_type": "Send the body as JSON, with Content-Type: application/json.",
}


class ExceptionFormatter(formatter.ExceptionFormatter):
    def get_errors(self) -> list[Error]:
        return [
            Error(
                error.code,
                _DETAILS.get(error.code, error.detail),
                None if error.attr == api_settings.NON_FIELD_ERRORS_KEY else error.attr,
            )
            for error in super().get_errors()
        ]

    def format_error_response(self, error_response: ErrorResponse) -> Any:
        answer = super().format_error_response(error_response)
        candidates = getattr(self.exc, "candidates", None)
        if candidates is not None:
            answer["errors"][0]["candidates"] = candidates
        return answer


def _plain(exc: simplejwt.AuthenticationFailed) -> AuthenticationFailed:
    """Bring simplejwt's nested error to the one shape, a code and a sentence."""
    answer: Any = exc.detail  # a dict, by simplejwt's mixin
    # str(), because REST framework's strings carry a code of their own, which would win.
    plain = AuthenticationFailed(str(answer["detail"]), str(answer["code"]))
    plain.auth_header = getattr(exc, "auth_header", None)  # type: ignore[attr-defined]
    return plain


class UnknownRouteView(APIView):
    """Answers every other address below /api/."""

    schema = None
    authentication_classes = ()
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such address. GET /api/docs lists all.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell staff of a database that does not answer, which passes, from a fault of ours."""
    if not is_passing(sys.exc_info()[1]):
        return defaults.server_error(request)
    return HttpResponse(
        DatabaseUnavailable.default_detail,
        status=DatabaseUnavailable.status_code,
        content_type="text/plain",
        headers={"Retry-After": str(DatabaseUnavailable.wait)},
    )
